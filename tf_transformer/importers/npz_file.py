"""Marian's `.npz` model file."""

import os
import zipfile
from pathlib import Path

import numpy as np

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads `model.npz` without pickle; its memory is limited to the file's size.

    Args:
        path: The file. Its arrays must not be compressed, as Marian writes them.

    Returns:
        Dictionary of the arrays by name: float32 weights, and int8 arrays of text.

    Raises:
        ValueError: If the file is damaged, or holds anything but numbers.
        OSError: If it cannot be read.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            return {
                member.filename.removesuffix(".npy"): _array(archive, member)
                for member in members
            }
    except (
        *(zipfile.BadZipFile, EOFError, ValueError),
        *(RuntimeError, NotImplementedError),  # encrypted
    ) as error:
        raise ValueError(
            f"{path} is not a model of Marian that can be read. Expected an .npz file "
            f"of uncompressed arrays of numbers. Received: {error}"
        ) from error


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{member.filename} is compressed")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"{member.filename} has the format {version}")
        shape, is_fortran, dtype = _HEADERS[version](file)
        if dtype.hasobject or dtype.kind not in "fiu":
            raise ValueError(f"{member.filename} holds {dtype}")
        count = dtype.itemsize
        for size in shape:
            count *= size
        left = member.file_size - file.tell()
        data = file.read() if count == left else b""
    if len(data) != count:
        raise ValueError(
            f"{member.filename} has {left} bytes of data; its shape {shape} needs "
            f"{count}"
        )
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")
    return array.astype(np.float32) if dtype.kind == "f" else array
