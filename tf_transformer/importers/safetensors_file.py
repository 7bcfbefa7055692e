"""Files of the safetensors format: a header in JSON, then plain numbers."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


def read_safetensors(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads the tensors of a file as float32.

    The file begins with a little-endian uint64, the length of a header in JSON, with
    the type, shape and position of each tensor; the data follow.

    Args:
        path: The file.

    Returns:
        Dictionary of float32 arrays by name.

    Raises:
        ValueError: If the file is damaged, or contains other types than floats.
        OSError: If it cannot be read.
    """
    path = Path(path)
    data = memoryview(path.read_bytes())
    try:
        size = int.from_bytes(data[:8], "little")
        if len(data) < 8 or size > len(data) - 8:
            raise ValueError(f"{len(data)} bytes, and a header of {size} bytes")
        header = json.loads(bytes(data[8 : 8 + size]))
        header.pop("__metadata__", None)
        data = data[8 + size :]
        _check_separate(header, len(data))
        return {name: _array(name, entry, data) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{path} cannot be read. Expected a file of the safetensors format with "
            f"floats. Received: {error}"
        ) from error


def _check_separate(header, size: int) -> None:
    """Checks that tensors do not share bytes, which could use any amount of memory."""
    places = [entry["data_offsets"] for entry in header.values()]
    total = sum(end - start for start, end in places)
    if total > size:
        raise ValueError(f"{total} bytes of tensors in {size} bytes")


def _array(name, entry, data) -> np.ndarray:
    kind, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in _SIZES:
        raise ValueError(f"{name} of type {kind}")
    count = 1
    for size in shape:
        count *= size
    if not 0 <= start <= end <= len(data) or end - start != count * _SIZES[kind]:
        raise ValueError(f"{name} of shape {shape} in bytes {start} to {end}")
    if kind == "BF16":  # the upper half of a float32
        bits = np.frombuffer(data[start:end], "<u2").astype("<u4") << np.uint32(16)
        return bits.view("<f4").reshape(shape)
    dtype = f"<f{_SIZES[kind]}"
    with np.errstate(all="ignore"):  # numbers that become infinite are refused later
        array = np.frombuffer(data[start:end], dtype).astype(np.float32)
    return array.reshape(shape)


def write_safetensors(
    path: str | os.PathLike, tensors: Mapping[str, np.ndarray]
) -> None:
    """Writes float32 tensors.

    Args:
        path: The file.
        tensors: Arrays by name.

    Example:

    >>> write_safetensors("a.safetensors", {"w": np.array([[1.0, 2.5]])})
    >>> read_safetensors("a.safetensors")["w"].tolist()
    [[1.0, 2.5]]
    """
    header: dict[str, dict] = {"__metadata__": {"format": "pt"}}
    offset = 0
    arrays = {name: np.ascontiguousarray(a, "<f4") for name, a in tensors.items()}
    for name, array in arrays.items():
        end = offset + array.nbytes
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8
    with Path(path).open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(array.tobytes())
