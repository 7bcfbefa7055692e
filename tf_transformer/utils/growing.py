"""Log files that only grow, and are truncated to an earlier size to resume a run."""

import os
from pathlib import Path


def file_sizes(folder: str | os.PathLike, pattern: str) -> dict[str, int]:
    """Sizes of the files of a folder by name.

    Args:
        folder: The folder; it need not exist.
        pattern: Pattern of the names, such as `"events.*"`.
    """
    return {path.name: path.stat().st_size for path in Path(folder).glob(pattern)}


def cut_back(folder: str | os.PathLike, pattern: str, sizes: dict[str, int]) -> None:
    """Truncates the files of a folder to their earlier sizes and removes later files.

    Args:
        folder: The folder; it need not exist.
        pattern: As for `file_sizes`.
        sizes: The earlier result of `file_sizes`. A file that is now shorter or missing
            is not changed.
    """
    for path in Path(folder).glob(pattern):
        size = sizes.get(path.name, 0)
        if not size:
            path.unlink()
        elif path.stat().st_size > size:
            os.truncate(path, size)
