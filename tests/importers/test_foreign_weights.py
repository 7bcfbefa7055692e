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
