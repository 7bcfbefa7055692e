"""Arrays of an `.npz` file, without pickle and with no more memory than its size."""

import contextlib
import os
import struct
import tokenize
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tf_transformer.utils.checksum import DamagedFile

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# encrypted or damaged archives, and headers of arrays that are not as NumPy writes them
_ERRORS = (
    *(zipfile.BadZipFile, EOFError, ValueError, RuntimeError, NotImplementedError),
    *(TypeError, LookupError, OverflowError, MemoryError, OSError, struct.error),
    *(tokenize.TokenError, SyntaxError),
)


class NpzFile:
    """An open archive of uncompressed arrays of numbers, as `np.savez` writes it.

    Args:
        archive: The open archive.
        path: Its file, for messages.

    Attributes:
        names: Names of the arrays in their order.

    Raises:
        DamagedFile: If arrays are compressed, occur twice or share bytes.
    """

    def __init__(self, archive: zipfile.ZipFile, path: Path):
        self._archive = archive
        self._path = path
        members = archive.infolist()
        self._members = {m.filename.removesuffix(".npy"): m for m in members}
        self.names = list(self._members)
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED:
                raise self._error(f"{member.filename} is compressed")
        size, total = path.stat().st_size, sum(m.file_size for m in members)
        if total > size or len(members) > len(self.names):
            raise self._error(f"{len(members)} arrays of {total} bytes in {size} bytes")

    def read(self, name: str) -> np.ndarray:
        """Reads an array.

        Raises:
            DamagedFile: If there is no such array, or it contains anything but
                numbers.
        """
        if name not in self._members:
            raise self._error(f"no array {name}")
        try:
            return self._read(self._members[name])
        except _ERRORS as error:
            raise self._error(f"{name}: {error}") from error

    def _read(self, member: zipfile.ZipInfo) -> np.ndarray:
        with self._archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            if version not in _HEADERS:
                raise ValueError(f"the format {version}")
            with warnings.catch_warnings():  # Python's, of wrong escapes in a header
                warnings.simplefilter("ignore")
                shape, is_fortran, dtype = _HEADERS[version](file)
            if dtype.hasobject or dtype.kind not in "fiub":
                raise ValueError(f"{dtype}")
            count = dtype.itemsize
            for size in shape:
                count *= size  # Python's integers do not overflow
            left = member.file_size - file.tell()
            data = file.read() if count == left else b""
        if len(data) != count:
            raise ValueError(f"{left} bytes of data; the shape {shape} needs {count}")
        array = np.frombuffer(data, dtype)
        return array.reshape(shape, order="F" if is_fortran else "C")

    def _error(self, received: str) -> DamagedFile:
        return DamagedFile(
            f"{self._path} is damaged. Expected uncompressed arrays of numbers. "
            f"Received: {received}"
        )


@contextlib.contextmanager
def open_npz(path: str | os.PathLike) -> Iterator[NpzFile]:
    """Opens an `.npz` file.

    Args:
        path: The file.

    Raises:
        DamagedFile: If it is damaged, or contains anything but uncompressed arrays.
        OSError: If it cannot be opened.

    Example:

    >>> np.savez("a.npz", w=np.array([[1.5, 2.0]]))
    >>> with open_npz("a.npz") as arrays:
    ...     print(arrays.names, arrays.read("w"))
    ['w'] [[1.5 2. ]]
    """
    path = Path(path)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        try:
            archive = stack.enter_context(zipfile.ZipFile(file))
        except _ERRORS as error:
            raise DamagedFile(
                f"{path} is damaged. Expected an .npz file. Received: {error}"
            ) from error
        yield NpzFile(archive, path)
