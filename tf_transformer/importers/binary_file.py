"""Marian's binary model file: float32 weights, or int8 weights of intgemm."""

import os
import struct
from pathlib import Path

import numpy as np

VERSION = 1
FLOATS = {0x402: np.dtype("<f2"), 0x404: np.dtype("<f4")}
INT8 = 0x101
INTGEMM_INT8 = 0x4101


def read_binary(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads `model.*.bin`.

    The file contains, little endian: a uint64 version (1) and number of items; four
    uint64 of each item (length of its name, type, dimensions, bytes); all names; all
    shapes, as int32; a uint64 and that number of bytes of padding; all data. An int8
    matrix of intgemm ends with one float32 m: value = int8 / m. It is stored
    transposed, unless it is an embedding.

    Args:
        path: The file.

    Returns:
        Dictionary of the items by name: float32 weights, and int8 arrays of text.

    Raises:
        ValueError: If the file is damaged, or has another version or type of weights.
        OSError: If it cannot be read.
    """
    cursor = _Cursor(Path(path))
    version, num_items = cursor.integers("Q", 2)
    if version != VERSION:
        raise cursor.error(f"version {VERSION} of Marian's binary format", version)
    numbers = iter(cursor.integers("Q", 4 * num_items))
    headers = list(zip(*[numbers] * 4, strict=True))
    names = [_name(cursor, header[0]) for header in headers]
    shapes = [cursor.integers("i", header[2]) for header in headers]
    cursor.take(*cursor.integers("Q", 1))
    items = {}
    for name, shape, (_, kind, _, num_bytes) in zip(
        names, shapes, headers, strict=True
    ):
        if name in items:
            raise cursor.error("different names", f"{name} twice")
        items[name] = _array(cursor, name, shape, kind, cursor.take(num_bytes))
    if cursor.left:
        raise cursor.error("the end after the last item", f"{cursor.left} more bytes")
    return items


class _Cursor:
    """Reads a file from its beginning, never beyond its end."""

    def __init__(self, path: Path):
        self._path = path
        self._data = memoryview(path.read_bytes())
        self._position = 0

    @property
    def left(self) -> int:
        """The number of bytes that were not read yet."""
        return len(self._data) - self._position

    def take(self, count: int) -> memoryview:
        """The next `count` bytes."""
        if count > self.left:
            raise self.error(f"{count} more bytes at {self._position}", self.left)
        self._position += count
        return self._data[self._position - count : self._position]

    def integers(self, kind: str, count: int) -> tuple[int, ...]:
        """The next integers of a kind of `struct`."""
        size = struct.calcsize(f"<{kind}")
        return struct.unpack(f"<{count}{kind}", self.take(size * count))

    def error(self, expected, received) -> ValueError:
        """An error that names the file."""
        return ValueError(
            f"{self._path} is not a model of Marian that can be read. Expected "
            f"{expected}. Received: {received}"
        )


def _name(cursor: _Cursor, length: int) -> str:
    name = bytes(cursor.take(length))
    try:
        return name.removesuffix(b"\0").decode()
    except UnicodeDecodeError as error:
        raise cursor.error("names in UTF-8", name[:40]) from error


def _array(cursor, name, shape, kind, data) -> np.ndarray:
    if min(shape, default=0) < 0:
        raise cursor.error(f"sizes of at least 0 for {name}", shape)
    count = 1
    for size in shape:
        count *= size  # Python's integers do not overflow
    if kind in FLOATS:
        values = _values(cursor, name, data, FLOATS[kind], count)
        return _reshape(cursor, name, values, shape)
    if kind == INT8:
        return np.frombuffer(data, np.int8)
    if kind != INTGEMM_INT8:
        raise cursor.error(
            "float32, float16 or the hardware-neutral int8 of intgemm (types 0x404, "
            f"0x402, 0x4101) for {name}",
            hex(kind),
        )
    if len(shape) != 2:
        raise cursor.error(f"a matrix as {name}", f"shape {shape}")
    values = _values(cursor, name, data, np.dtype("i1"), count)
    multiplier = _values(cursor, name, data[count:], FLOATS[0x404], 1)
    if not multiplier > 0:
        raise cursor.error(f"a multiplier above 0 for {name}", multiplier[0])
    with np.errstate(over="ignore"):  # infinite weights are refused later
        values = values / multiplier
    rows, columns = shape
    if name.endswith("Wemb"):
        return values.reshape(rows, columns)
    return np.ascontiguousarray(values.reshape(columns, rows).T)


def _reshape(cursor, name, values, shape) -> np.ndarray:
    try:
        return values.reshape(shape)
    except ValueError as error:  # more dimensions than NumPy has
        raise cursor.error(f"a shape for {name}", error) from error


def _values(cursor, name, data, dtype, count) -> np.ndarray:
    if count * dtype.itemsize > len(data):
        raise cursor.error(f"{count} values of {name}", f"{len(data)} bytes")
    return np.frombuffer(data, dtype, count).astype(np.float32)
