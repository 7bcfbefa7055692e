"""Archives in which an array occurs twice are refused."""

import io
import warnings
import zipfile

import numpy as np
import pytest

from tf_transformer.utils.checksum import DamagedFile
from tf_transformer.utils.npz import open_npz


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write(path, *members):
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two equal names
        for name, array in members:
            archive.writestr(f"{name}.npy", npy(array))


def refused(path, message):
    with pytest.raises(DamagedFile, match=message), open_npz(path) as arrays:
        arrays.read("a")


def test_an_array_that_occurs_twice_is_refused(tmp_path):
    path = tmp_path / "twice.npz"
    write(path, ("a", np.ones(3)), ("b", np.ones(2)), ("a", np.zeros(3)))
    refused(path, r"twice\.npz is damaged.*Received: 3 arrays of \d+ bytes")
