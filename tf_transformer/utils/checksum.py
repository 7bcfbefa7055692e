"""Checksums of files, to detect damage and changes."""

import hashlib
import os
from pathlib import Path

_LABEL = b"\nsha256 "
_BLOCK = 1 << 20
_NUM_BLOCKS = 64
_LENGTH = len(_LABEL) + 2 * hashlib.sha256().digest_size


class DamagedFile(ValueError):
    """A file is truncated, empty or changed since it was written."""


def append_checksum(path: str | os.PathLike) -> None:
    """Appends the SHA-256 of a file to it.

    Readers of HDF5 and zip files (`.weights.h5`, `.npz`) ignore trailing data.

    Args:
        path: The file.
    """
    digest = _digest(Path(path), os.path.getsize(path))
    with open(path, "ab") as file:
        file.write(_LABEL + digest)


def verify_checksum(path: str | os.PathLike) -> None:
    """Checks that a file has not changed since `append_checksum`.

    A file without a checksum, from an earlier version, is accepted.

    Args:
        path: The file.

    Raises:
        DamagedFile: If the file is empty or differs from its checksum.
        FileNotFoundError: If there is no such file.
    """
    path = Path(path)
    size = os.path.getsize(path)
    if not size:
        raise DamagedFile(f"{path} is damaged. Received: an empty file")
    with path.open("rb") as file:
        file.seek(max(0, size - _LENGTH))
        end = file.read()
    if not end.startswith(_LABEL):
        return
    if _digest(path, size - _LENGTH) != end.removeprefix(_LABEL):
        raise DamagedFile(
            f"{path} is damaged. Received: contents that differ from the checksum"
        )


def fingerprint(path: str | os.PathLike) -> str:
    """A short text that changes when a file changes: its size, and a SHA-256.

    Files up to 64 MiB are read completely; of larger files, 64 blocks of 1 MiB are
    read, evenly spaced from beginning to end.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    size = os.path.getsize(path)
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        if size <= _NUM_BLOCKS * _BLOCK:
            starts = range(0, size, _BLOCK)
        else:
            last = size - _BLOCK
            starts = [last * i // (_NUM_BLOCKS - 1) for i in range(_NUM_BLOCKS)]
        for start in starts:
            file.seek(start)
            digest.update(file.read(_BLOCK))
    return f"{size} bytes, sha256 {digest.hexdigest()}"


def _digest(path: Path, size: int) -> bytes:
    """The SHA-256 of the first `size` bytes, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size:
            block = file.read(min(size, 1 << 20))
            digest.update(block)
            size -= len(block)
    return digest.hexdigest().encode()
