"""Intervals in updates or minutes, such as `500` or `10m`."""

import re


def parse_interval(value: int | str) -> tuple[int | None, float | None]:
    """Updates and seconds of an interval; one of them is `None`.

    Args:
        value: A number of updates, such as `500` or `"500"`, or minutes: `"10m"`.

    Raises:
        ValueError: If it is neither, or zero.

    Example:

    >>> parse_interval("500"), parse_interval("1.5m")
    ((500, None), (None, 90.0))
    """
    match = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)m", str(value), flags=re.ASCII)
    if match is None or not float(match[1] or match[2]):
        raise ValueError(
            "An interval is a number of updates or minutes. Expected a value such as "
            f"500 or 10m. Received: {value!r}"
        )
    if match[1]:
        return int(match[1]), None
    return None, 60 * float(match[2])
