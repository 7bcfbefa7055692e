"""A folder that one process at a time works in."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None


class FolderInUse(ValueError):
    """Another process works in the folder."""


@contextlib.contextmanager
def locked(folder: str | os.PathLike) -> Iterator[None]:
    """Locks a folder for this process; it ends with the process, however that ends.

    Where the file system has no locks, nothing is locked.

    Args:
        folder: The folder. It is created if necessary, and removed again if it is
            still empty at the end.

    Raises:
        FolderInUse: If another process has locked the folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY) if fcntl is not None else None
    try:
        _lock(folder, descriptor)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
        with contextlib.suppress(OSError):
            folder.rmdir()


def _lock(folder: Path, descriptor: int | None) -> None:
    if fcntl is None or descriptor is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FolderInUse(
            "Another process works in this folder. Expected to wait until it ends, or "
            f"another folder. Received: {folder}"
        ) from error
    except OSError:  # a file system without locks
        return
