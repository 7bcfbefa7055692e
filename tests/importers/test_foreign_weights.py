"""Weights of another program's file are checked when they are taken."""

import numpy as np
import pytest

from tf_transformer.importers.weights import ForeignWeights


def test_weights_that_are_not_finite_are_refused():
    arrays = {"a": np.ones(3), "b": np.array([1, np.nan, 2])}
    weights = ForeignWeights(arrays, "model.npz", ())
    weights.take("a", (3,))
    with pytest.raises(ValueError, match="finite numbers in b"):
        weights.take("b", (3,))


def test_a_matrix_is_not_read_in_another_order():
    matrix = np.arange(6).reshape(2, 3)
    weights = ForeignWeights({"a": matrix, "b": matrix[0][None]}, "model.npz", ())
    for shape in ((3, 2), (6,), (2, 4)):
        with pytest.raises(ValueError, match=r"Expected a of shape .*: \(2, 3\)"):
            weights.take("a", shape)
    np.testing.assert_array_equal(weights.take("a", (2, 3)), matrix)
    # axes of size 1 carry nothing
    assert weights.take("b", (3,)).tolist() == [0, 1, 2]
