"""Checks of a model's settings: each must be known by name."""

import json
import reprlib
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import yaml


def check_settings(
    settings: Mapping[str, Any],
    path: str | Path,
    *,
    used: Container[str],
    fixed: Mapping[str, tuple],
    ignored: Container[str],
) -> None:
    """Checks that every setting is known and has a value that can be imported.

    An unknown setting without a value (`null`) is accepted.

    Args:
        settings: The settings by name.
        path: Their file, for messages.
        used: Names of settings that are read elsewhere.
        fixed: The values that other settings may have.
        ignored: Names of settings that do not change translations.

    Raises:
        ValueError: If a setting is unknown, or has another value.

    Example:

    >>> check_settings({"a": 1}, "x.yml", used=("a",), fixed={}, ignored=())
    """
    unknown = [
        name
        for name in settings
        if name not in used
        and name not in fixed
        and name not in ignored
        and settings[name] is not None
    ]
    if unknown:
        raise ValueError(
            f"{path} has settings that this version does not know; they may change "
            f"the model. Received: {', '.join(map(str, sorted(unknown, key=str)))}"
        )
    for name, values in fixed.items():
        if name in settings and settings[name] not in values:
            raise unsupported(path, name, settings[name], values)


def unsupported(path, name: str, value, values) -> ValueError:
    """Returns the error for a setting whose value cannot be imported."""
    expected = " or ".join(json.dumps(value) for value in values)
    return ValueError(
        f"{path} describes a model that cannot be imported. Expected {name}: "
        f"{expected}. Received: {reprlib.repr(value)}"
    )


def positive_integer(
    settings: Mapping[str, Any], name: str, path, most: int | None = None
) -> int:
    """A setting that must be an integer of at least 1, and at most `most`.

    Raises:
        ValueError: If it is missing or something else.
    """
    value = settings.get(name)
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer or not 1 <= value <= (most or value):  # pyright: ignore
        limit = f" and at most {most}" if most else ""
        raise ValueError(
            f"{path} does not describe a model. Expected {name}, an integer of at "
            f"least 1{limit}. Received: {reprlib.repr(value)}"
        )
    return value  # pyright: ignore


def rate(settings: Mapping[str, Any], name: str, path) -> float:
    """A setting that must be a number in [0, 1). Defaults to 0.

    Raises:
        ValueError: If it is anything else.
    """
    value = settings.get(name, 0.0)
    if not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(
            f"{path} does not describe a model. Expected {name}, a number of at least "
            f"0 and below 1. Received: {reprlib.repr(value)}"
        )
    return float(value)


class _WithoutAliases:
    """Refuses aliases, with which a small file can describe a huge value."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):  # pyright: ignore[reportAttributeAccessIssue]
            event = self.get_event()  # pyright: ignore[reportAttributeAccessIssue]
            raise yaml.YAMLError(f"the alias *{event.anchor}")
        return super().compose_node(parent, index)  # pyright: ignore[reportAttributeAccessIssue]


class _SafeLoader(_WithoutAliases, yaml.SafeLoader):
    """Numbers, texts, lists and mappings."""


class _TextLoader(_WithoutAliases, yaml.BaseLoader):
    """The same types, but all numbers are read as text."""


# PyYAML's own, and errors of its constructors for values such as `!!int ""`
_YAML_ERRORS = (
    *(yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError),
    *(OverflowError, RecursionError),
)


def parse_yaml(text: str | bytes, path) -> dict:
    """A mapping in YAML.

    Raises:
        ValueError: If it is anything else.
    """
    try:
        return _mapping(yaml.load(text, Loader=_SafeLoader))
    except _YAML_ERRORS as error:
        raise ValueError(
            f"{path} cannot be read. Expected settings in YAML. Received: "
            f"{' '.join(str(error).split())}"
        ) from error


def parse_yaml_vocabulary(text: str | bytes, path) -> dict[str, int]:
    """Pieces and their rows in YAML; a piece such as `no` or `1` is text.

    Raises:
        ValueError: If it is anything else.
    """
    try:
        rows = _mapping(yaml.load(text, Loader=_TextLoader))
        return {piece: int(row) for piece, row in rows.items()}
    except _YAML_ERRORS as error:
        raise ValueError(
            f"{path} cannot be read. Expected pieces and their rows in YAML. Received: "
            f"{' '.join(str(error).split())}"
        ) from error


def read_json_vocabulary(path: Path) -> dict[str, int]:
    """Pieces and their rows in a JSON file.

    Raises:
        ValueError: If it is anything else.
    """
    rows = read_json_mapping(path)
    try:
        "".join(rows).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{path} is not a vocabulary. Expected pieces of Unicode. Received: {error}"
        ) from error
    for piece, row in rows.items():
        if not isinstance(row, int) or isinstance(row, bool):
            raise ValueError(
                f"{path} is not a vocabulary. Expected an integer for each piece. "
                f"Received: {piece!r}: {reprlib.repr(row)}"
            )
    return rows


def read_json_mapping(path: Path) -> dict:
    """A mapping in a JSON file.

    Raises:
        ValueError: If it is anything else.
    """
    try:
        return _mapping(json.loads(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} cannot be read. Expected an object in JSON. Received: {error}"
        ) from error


def _mapping(value) -> dict:
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__}")
    return value
