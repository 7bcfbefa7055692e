"""`gather` equals NumPy."""

import numpy as np
import pytest
from keras import ops

from tests.backend import in_graph
from tf_transformer.decoding.gather import gather

RANDOM = np.random.default_rng(8)


@pytest.mark.parametrize("tail", [(), (3,), (3, 2)])
def test_is_take_along_axis(tail):
    array = RANDOM.normal(size=(4, 7, *tail)).astype("float32")
    indices = RANDOM.integers(0, 7, size=(4, 5)).astype("int32")
    expected = np.stack([row[i] for row, i in zip(array, indices, strict=True)])
    found = gather(ops.array(array), ops.array(indices))
    np.testing.assert_array_equal(ops.convert_to_numpy(found), expected)


def test_number_of_sentences_may_be_unknown():
    array = np.arange(12.0, dtype="float32").reshape(4, 3)
    indices = np.array([[2], [0], [1], [1]], "int32")
    found = in_graph(lambda x, i: gather(x, i))(array, indices)
    assert ops.convert_to_numpy(found).tolist() == [[2.0], [3.0], [7.0], [10.0]]
