"""Finds files in the folder of a model."""

from pathlib import Path


def required_file(folder: Path, name: str) -> Path:
    """Returns the path of a file that must exist.

    Raises:
        FileNotFoundError: If it does not exist.
    """
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(
            f"The folder of the model lacks a file. Expected {name}. Received: {folder}"
        )
    return path


def only_file(folder: Path, *patterns: str) -> Path:
    """Returns the only file of a folder that matches one of the patterns.

    Raises:
        FileNotFoundError: If no file matches.
        ValueError: If several files match.
    """
    matches = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    if not matches:
        return required_file(folder, " or ".join(patterns))
    if len(matches) > 1:
        raise ValueError(
            f"{folder} contains several files of this kind. Expected one "
            f"{' or '.join(patterns)}, or the path of the .yml file that names one. "
            f"Received: {', '.join(path.name for path in matches)}"
        )
    return matches[0]
