"""Names and texts of JSON values in error messages."""

import json

LONGEST_SHOWN = 1000


def shown(value) -> str:
    """A value as JSON with an indentation of four spaces, truncated if it is long.

    Example:

    >>> shown([1.5, "a"])
    '[\\n    1.5,\\n    "a"\\n]'
    """
    text = ""
    for part in json.JSONEncoder(indent=4, ensure_ascii=False).iterencode(value):
        text += part
        if len(text) > LONGEST_SHOWN:
            return text[:LONGEST_SHOWN] + "..."
    return text


def type_name(value) -> str:
    """TensorFlow Serving's name for the type of a value."""
    if value is None or isinstance(value, bool):
        return "Null" if value is None else str(value)
    if is_number(value):
        return "Number"
    return {str: "String", list: "Array", dict: "Object"}[type(value)]


def is_number(value) -> bool:
    """Whether a value is a number, not true or false."""
    return isinstance(value, int | float) and not isinstance(value, bool)
