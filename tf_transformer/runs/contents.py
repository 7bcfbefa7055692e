"""Checks of the contents of a run's `config.json`."""

import dataclasses
import math
from pathlib import Path

from tf_transformer.runs.checks import check_types
from tf_transformer.runs.choices import CHOICES
from tf_transformer.runs.config import TrainingConfig

FORMAT_VERSION = 1
MAX_POSITIONS = 2**25  # numbers in a table of positions


def check_contents(contents, path: Path) -> dict:
    """Checks the value in `config.json`.

    Args:
        contents: The value.
        path: The file, for messages.

    Returns:
        The value.

    Raises:
        FileNotFoundError: If another program wrote the file.
        ValueError: If a newer version wrote it, or a part is missing or wrong.
    """
    if not isinstance(contents, dict) or "format_version" not in contents:
        raise FileNotFoundError(
            f"This is not the folder of a run: another program wrote {path}. "
            "`tf-transformer import` reads folders of Hugging Face and Marian. "
            f"Received: {path.parent}"
        )
    version = contents["format_version"]
    if not isinstance(version, int) or version < 1:
        _refuse(path, "an integer as format_version", repr(version))
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{path} was written by a newer tf_transformer. Expected "
            f"format_version at most {FORMAT_VERSION}. Received: {version!r}"
        )
    for name in ("training", "model"):
        if not isinstance(contents.get(name), dict):
            _refuse(path, f"an object as {name!r}", repr(contents.get(name)))
    for name in ("tokenizer", "data"):
        if not isinstance(contents.get(name, {}), dict):
            _refuse(path, f"an object as {name!r}", repr(contents[name]))
    fields = {field.name for field in dataclasses.fields(TrainingConfig)}
    unknown = sorted(contents["training"].keys() - fields)
    if unknown:
        _refuse(path, "settings of this version", ", ".join(unknown))
    try:
        check_types(TrainingConfig(**contents["training"]))
    except ValueError as error:
        raise ValueError(f"{path} contains a wrong setting. {error}") from error
    architecture = contents["training"].get("architecture")
    if architecture not in (None, *CHOICES["architecture"]):
        _refuse(path, f"one of {CHOICES['architecture']}", repr(architecture))
    return contents


def check_sizes(arguments: dict, weights: Path, path: Path) -> None:
    """Checks that a model of these sizes has no more weights than a file.

    The model is then built with memory for these weights only.

    Args:
        arguments: The model's arguments in `config.json`.
        weights: The file of its weights.
        path: `config.json`, for messages.

    Raises:
        ValueError: If a size is too large.
    """
    sizes = {n: v for n, v in arguments.items() if type(v) is int}
    width, num_bytes = sizes.get("d_model", 1), weights.stat().st_size
    limits = dict.fromkeys(sizes, num_bytes // max(1, abs(width)))
    limits["d_model"] = math.isqrt(num_bytes)
    # its table is computed
    limits["max_length"] = max(num_bytes, MAX_POSITIONS) // max(1, abs(width))
    for name in sorted(sizes, key="d_model".__ne__):  # the width first
        size = sizes[name]
        if size > limits[name]:
            raise ValueError(
                f"{path} does not describe a model of the weights in {weights}. "
                f"Expected {name} of at most {limits[name]}. Received: {size}"
            )


def check_object(value, path: Path, *names: str) -> dict:
    """Checks that a JSON file of a run contains an object.

    Args:
        value: The value in the file.
        path: The file, for messages.
        *names: Names that the object must have.

    Returns:
        The value.

    Raises:
        ValueError: If it is another value.
    """
    if not isinstance(value, dict) or not set(names) <= value.keys():
        expected = f"an object with {', '.join(names)}" if names else "an object"
        _refuse(path, expected, repr(value)[:80])
    return value


def _refuse(path, expected, received):
    raise ValueError(
        f"{path} does not have a run's format. Expected {expected}. "
        f"Received: {received}"
    )
