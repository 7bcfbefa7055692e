"""The state in a checkpoint, from which the parts of a training are restored."""

import reprlib
from pathlib import Path

from tf_transformer.utils.checksum import DamagedFile


def check_state(state: dict, path: Path) -> dict:
    """Checks the state in a checkpoint.

    Args:
        state: The states of the parts by name, see `make_parts`.
        path: The file, for messages.

    Returns:
        The state.

    Raises:
        DamagedFile: If a part is wrong.

    Example:

    >>> check_state({"epoch": 3}, Path("epoch-0003.npz"))
    {'epoch': 3}
    """
    for name, is_right in _PARTS.items():
        value = state.get(name)
        if value is not None and not is_right(value):
            raise DamagedFile(
                f"{path} is damaged. Expected the state of a training. Received: "
                f"{name}: {reprlib.repr(value)}"
            )
    return state


def _is_count(value) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_number(value) -> bool:
    return type(value) is float or (type(value) is int and abs(value) < 2**63)


def _is_progress(value) -> bool:
    if not isinstance(value, list) or len(value) != 3:
        return False
    place, *counts = value
    if not isinstance(place, list) or len(place) != 4:
        return False
    return all(map(_is_count, [*place, *counts]))


def _is_best(value) -> bool:
    if not isinstance(value, dict) or value.keys() != {"best", "best_epoch"}:
        return False
    best, epoch = value["best"], value["best_epoch"]
    if best is None or epoch is None:
        return best is epoch
    return _is_count(epoch) and _is_number(best)


def _is_log(value) -> bool:
    if not isinstance(value, dict) or value.keys() != {"size", "seconds"}:
        return False
    return _is_count(value["size"]) and _is_number(value["seconds"])


def _is_sizes(value) -> bool:
    return isinstance(value, dict) and all(map(_is_count, value.values()))


def _is_metrics(value) -> bool:
    """Numbers, or on several replicas a list for each variable."""
    return isinstance(value, list) and all(
        _is_number(item) or (isinstance(item, list) and all(map(_is_number, item)))
        for item in value
    )


def _is_points(value) -> bool:
    """The sum and the count of each metric."""
    return isinstance(value, dict) and all(
        isinstance(sums, list) and len(sums) == 2 and all(map(_is_number, sums))
        for sums in value.values()
    )


_PARTS = {
    "epoch": _is_count,
    "data": _is_progress,
    "best": _is_best,
    "log": _is_log,
    "events": _is_sizes,
    "metrics": _is_metrics,
    "points": _is_points,
}
