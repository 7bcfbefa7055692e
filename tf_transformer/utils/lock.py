"""Locks a folder, so that only one process at a time uses it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tf_transformer.utils.atomic import make_folder

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None


class FolderInUse(ValueError):
    """Another process works in the folder."""


@contextlib.contextmanager
def locked(folder: str | os.PathLike) -> Iterator[None]:
    """Locks a folder for this process. The lock is released when the process ends.

    On a file system without locks, nothing is locked.

    Args:
        folder: The folder. It is created if necessary, and removed again if it is
            still empty at the end.

    Raises:
        FolderInUse: If another process has locked the folder.
        NotADirectoryError: If the path is a file.
    """
    folder = Path(folder)
    descriptor = _locked_descriptor(folder)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # while it is locked
        if descriptor is not None:
            os.close(descriptor)


def _locked_descriptor(folder: Path) -> int | None:
    while True:
        make_folder(folder)
        if fcntl is None:
            return None
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # removed by another process meanwhile
            continue
        try:
            _lock(folder, descriptor)
            if _is_opened_by(folder, descriptor):
                return descriptor
        except FolderInUse:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the locked folder was removed


def _is_opened_by(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(folder), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _lock(folder: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # pyright: ignore[reportOptionalMemberAccess]
    except BlockingIOError as error:
        raise FolderInUse(
            "Another process works in this folder. Expected to wait until it ends, or "
            f"another folder. Received: {folder}"
        ) from error
    except OSError:  # a file system without locks
        return
