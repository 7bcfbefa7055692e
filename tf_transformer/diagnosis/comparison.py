"""Compares two runs at positions that must agree; finds the first different layer."""

from collections.abc import Callable

import numpy as np

from tf_transformer.diagnosis.trace import Call, Run

# Picks from two arrays the values that must agree; None if there are none.
Protected = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray] | None]


def difference(before: np.ndarray, after: np.ndarray) -> float:
    """Largest absolute difference, divided by the largest absolute value before.

    Args:
        before: Array.
        after: Array of the same shape.

    Returns:
        Float; infinite if only one of them is finite somewhere.

    Example:

    >>> difference(np.array([1.0, 4.0]), np.array([1.0, 5.0]))
    0.25
    """
    if before.size == 0:
        return 0.0
    if before.dtype == bool:
        return float(np.any(before != after))
    finite = np.isfinite(before)
    if np.any(finite != np.isfinite(after)):
        return float("inf")
    before = np.where(finite, before, 0).astype("float64")
    after = np.where(finite, after, 0).astype("float64")
    scale = np.abs(before).max()
    gap = np.abs(before - after).max()
    return float(gap / scale) if scale else float(gap)


def protected_difference(before, after, protected: Protected) -> float:
    """`difference` of the values that must agree; 0 if there are none."""
    pair = protected(before, after)
    return 0.0 if pair is None else difference(*pair)


def first_difference(
    before: Run, after: Run, protected: Protected, tolerance: float
) -> Call | None:
    """Finds the first layer whose inputs agree and whose output does not.

    Inner layers come before the layers that contain them.

    Args:
        before: A run.
        after: A run with changed inputs.
        protected: Picks the values that must agree.
        tolerance: Largest `difference` of values that agree.

    Returns:
        The call in `after`, or `None` if there is no such layer.
    """

    for strict in (True, False):
        for key, call in after.calls.items():
            other = before.calls.get(key)
            if other is None or hasattr(call.layer, "operations"):
                continue  # a functional model does nothing itself
            if _gap(other, call, protected) <= tolerance:
                continue
            if _inputs_agree(other, call, protected, tolerance, strict):
                return _origin(before, after, key, protected, tolerance)
    return None


def _gap(before: Call, after: Call, protected) -> float:
    outputs = [(before.output, after.output)]
    outputs += zip(before.states, after.states, strict=False)
    return max(protected_difference(x, y, protected) for x, y in outputs)


def _inputs_agree(before: Call, after: Call, protected, tolerance, strict) -> bool:
    pairs = list(zip(before.inputs, after.inputs, strict=False))
    agree = (_agree(x, y, protected, tolerance, strict) for x, y in pairs)
    return bool(pairs) and all(agree)


def _origin(before: Run, after: Run, key, protected, tolerance) -> Call:
    """Follows inputs that changed and cannot be compared to their origin.

    An average over time, for example, has no positions. It changes with its future,
    and the layer that adds it to a sequence is not at fault.
    """
    keys = list(after.calls)
    for x, y in zip(before.calls[key].inputs, after.calls[key].inputs, strict=False):
        if x.ndim > 3 or protected(x, y) is not None or not _changed(x, y):
            continue
        for earlier in reversed(keys[: keys.index(key)]):
            call, other = after.calls[earlier], before.calls.get(earlier)
            is_source = call.output.shape == y.shape and np.array_equal(call.output, y)
            if is_source and other is not None and call.inputs:
                if hasattr(call.layer, "operations"):
                    continue
                return _origin(before, after, earlier, protected, tolerance)
    return after.calls[key]


def _changed(before, after) -> bool:
    return before.shape == after.shape and not np.array_equal(before, after)


def _agree(before, after, protected, tolerance, strict) -> bool:
    """Whether an input is equal where it must be.

    If `strict`, an input that cannot be compared counts as different, unless it may be
    a mask and did not change.
    """
    pair = protected(before, after)
    if pair is not None:
        return difference(*pair) <= tolerance
    is_float = np.issubdtype(before.dtype, np.floating)
    may_be_mask = not is_float or before.ndim < 3 or 1 in before.shape[1:]
    return not strict or (may_be_mask and not _changed(before, after))


def first_not_finite(run: Run) -> Call | None:
    """Finds the first layer with finite inputs and an output that is not finite."""
    for call in run.calls.values():
        if not np.isfinite(call.output).all() and all(
            np.isfinite(x).all() for x in call.inputs
        ):
            return call
    return None


def up_to(position: int, length: int) -> Protected:
    """Selects the positions 0 to `position` of a sequence, in the first row."""

    def pick(before, after):
        if before.shape != after.shape or before.ndim < 2 or _is_summary(before):
            return None
        axis = _axis(before.shape, length)
        if axis is None or before.shape[2:] == (length, length):
            return None  # another sequence, or scores (..., query, key)
        kept = range(position + 1)
        return before[0].take(kept, axis - 1), after[0].take(kept, axis - 1)

    return pick


def other_rows(num_rows: int, changed: int) -> Protected:
    """Selects all rows except the changed one."""
    kept = [row for row in range(num_rows) if row != changed]

    def pick(before, after):
        if before.shape != after.shape or num_rows not in before.shape[:2]:
            return None
        axis = before.shape.index(num_rows)  # 1 if time comes first
        return before.take(kept, axis), after.take(kept, axis)

    return pick


def row_alone(num_rows: int, row: int) -> Protected:
    """Selects a row of a batch, and the same row as a separate batch."""

    def pick(before, after):
        alone = (1, *before.shape[1:])
        if before.shape[:1] != (num_rows,) or after.shape != alone:
            return None
        return before[row : row + 1], after

    return pick


def real_positions(real: dict[str, np.ndarray], name: str, more: int) -> Protected:
    """Selects the real positions of all sequences when one gets more padding.

    Args:
        real: Bool array `(B, L)` of each sequence before.
        name: The sequence with more padding.
        more: Number of positions added to it.
    """
    mask = real[name]
    others = {m.shape: m for other, m in real.items() if other != name}

    def pick(before, after):
        if before.ndim < 2 or len(before) != len(mask) or before.ndim != after.ndim:
            return None
        axis = _axis(before.shape, mask.shape[1])
        grown = list(before.shape)
        if axis is not None:
            grown[axis] += more
        if axis is not None and after.shape == tuple(grown) and _can_be(before, more):
            before, after = (x.swapaxes(1, axis) for x in (before, after))
            return before[mask], after[:, : mask.shape[1]][mask]
        if before.shape != after.shape:
            return None
        other = others.get(before.shape[:2])
        if other is not None and _is_sequence(before):
            return before[other], after[other]
        return (before, after) if _is_summary(before) else None

    return pick


def _axis(shape, length) -> int | None:
    """The axis of positions: 1, or 2 behind the axis of heads or channels."""
    if shape[1] == length:
        return 1
    return 2 if len(shape) in (3, 4) and shape[2] == length else None


def _can_be(array, more) -> bool:
    """Whether an axis of the right length is an axis of positions.

    It is, if it grew with the padding. Otherwise, the width of row vectors `(B, D)` may
    equal the length by chance.
    """
    return bool(more) or _is_sequence(array)


def _is_sequence(array) -> bool:
    return array.ndim == 3 or not np.issubdtype(array.dtype, np.floating)


def _is_summary(array) -> bool:
    return array.ndim == 2 and np.issubdtype(array.dtype, np.floating)
