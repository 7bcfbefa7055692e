"""Marian's `.npz` model file."""

import os

import numpy as np

from tf_transformer.utils.checksum import DamagedFile
from tf_transformer.utils.npz import open_npz


def read_npz(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads `model.npz` without pickle, and with no more memory than the file's size.

    Args:
        path: The file. Its arrays must not be compressed, as Marian writes them.

    Returns:
        Dictionary of the arrays by name: float32 weights, and int8 arrays of text.

    Raises:
        ValueError: If the file is damaged, or contains anything but numbers.
        OSError: If it cannot be read.
    """
    try:
        with open_npz(path) as arrays:
            return {name: _as_float32(arrays.read(name)) for name in arrays.names}
    except DamagedFile as error:
        raise ValueError(
            f"{path} is not a model of Marian that can be read. {error}"
        ) from error


def _as_float32(array: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):  # numbers that become infinite are refused later
        return array.astype(np.float32) if array.dtype.kind == "f" else array
