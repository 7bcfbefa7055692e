"""Files and folders that are either complete or absent."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

_SUFFIX = ".tmp"


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path that replaces `path` when the block succeeds.

    Args:
        path: The file to write. Its folder is created if necessary.

    Example:

        with replacing("scores.json") as temporary:
            temporary.write_text("{}")
    """
    path = Path(path)
    with naming(path), _temporary_folder(path) as folder:
        yield folder / path.name
        _write_through(folder / path.name)
        os.replace(folder / path.name, path)


def _write_through(path: Path) -> None:
    """Waits until a file is on the disk, so that renaming it cannot lose data."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def naming(path: str | os.PathLike) -> Iterator[None]:
    """Adds the name of a file to the operating system's errors in the block.

    Errors of a write, such as "No space left on device", have no file name.

    Args:
        path: The file that is written.

    Example:

    >>> with naming("scores.json"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    OSError: [Errno 28] No space left on device: 'scores.json'
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def make_folder(path: Path) -> None:
    """Makes a folder and its parents if they do not exist.

    Raises:
        NotADirectoryError: If the path is a file.
    """
    if path.is_file():
        raise NotADirectoryError(
            f"Expected the path of a folder, new or existing. Received: {path}, a file"
        )
    path.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def new_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary folder that becomes `path` when the block succeeds.

    Args:
        path: The folder to write. Its parent is created if necessary.

    Raises:
        FileExistsError: If `path` exists already, before anything is done.

    Example:

        with new_folder("saved_models/mine/1") as temporary:
            (temporary / "saved_model.pb").write_bytes(content)
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(
            f"Folders are never overwritten. Expected a new folder. Received: {path}"
        )
    with _temporary_folder(path) as temporary:
        yield temporary
        temporary.chmod(0o755)
        temporary.rename(path)


@contextlib.contextmanager
def _temporary_folder(path: Path) -> Iterator[Path]:
    """A folder next to `path`, locked while this process runs, then removed."""
    make_folder(path.parent)
    remove_abandoned(path.parent)
    folder, lock = _make_locked(path)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _make_locked(path: Path) -> tuple[Path, int | None]:
    while True:
        folder = tempfile.mkdtemp(_SUFFIX, f".{path.name}.", path.parent)
        lock = _lock(folder, wait=True)
        if os.path.exists(folder):
            return Path(folder), lock
        if lock is not None:  # another process removed the folder before the lock
            os.close(lock)


def _lock(folder: str | os.PathLike, wait: bool) -> int | None:
    """A descriptor that locks a folder, or `None` if that is not possible."""
    if fcntl is None:
        return None
    lock = None
    try:
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        if lock is not None:
            os.close(lock)
        return None
    return lock


def remove_abandoned(folder: str | os.PathLike) -> None:
    """Removes the temporary folders of processes that were killed.

    A process locks its temporary folders while it runs; locked folders are kept.

    Args:
        folder: The folder in which `replacing` and `new_folder` were used.
    """
    for temporary in Path(folder).glob(f".*{_SUFFIX}"):
        lock = _lock(temporary, wait=False)
        if lock is not None:
            shutil.rmtree(temporary, ignore_errors=True)
            os.close(lock)


def write_json(path: str | os.PathLike, value) -> None:
    """Writes a value as indented JSON, completely or not at all."""
    with replacing(path) as temporary:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        temporary.write_text(text, encoding="utf-8")


def read_json(path: str | os.PathLike):
    """Reads JSON.

    Raises:
        ValueError: If the file is not valid JSON; the message names it.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON. Received: {error}") from error
