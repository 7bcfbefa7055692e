"""Folders whose names are version numbers: `saved_models/mine/1`, `2`, ..."""

import os
from pathlib import Path


def version_folders(path: str | os.PathLike) -> dict[int, Path]:
    """The folders in `path` whose names are numbers, from lowest to highest.

    A number has ASCII digits only: `str.isdigit` accepts other characters, such as
    superscripts, which `int` refuses.

    Args:
        path: A folder; it need not exist.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("10", "9", "v1", "²"):
    ...     (path / name).mkdir()
    >>> list(version_folders(path))
    [9, 10]
    """
    folders = {
        int(folder.name): folder
        for folder in Path(path).glob("*")
        if folder.name.isascii() and folder.name.isdigit() and folder.is_dir()
    }
    return dict(sorted(folders.items()))
