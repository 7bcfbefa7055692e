"""The largest numbers equal the first ones of a complete sort, ties included."""

import numpy as np
import pytest
from keras import ops

from tests.backend import BACKEND
from tf_transformer.decoding.top_k import BLOCK, argmax, top_k_indices

RANDOM = np.random.default_rng(12)


def rows(num_scores, kind):
    """Numbers that are all different, or of which many are equal, or masked."""
    scores = RANDOM.normal(size=(5, num_scores)).astype("float32")
    if kind == "equal":
        scores = scores.round() + 0.0  # JAX puts -0 below 0
    if kind == "masked":
        scores[:, RANDOM.permutation(num_scores)[:-3]] = -1e9
    return scores


@pytest.mark.parametrize("kind", ["different", "equal", "masked"])
@pytest.mark.parametrize("num_scores", [7, BLOCK, 5 * BLOCK, 5 * BLOCK + 1, 2111])
def test_indices_are_those_of_a_stable_sort(num_scores, kind):
    scores = rows(num_scores, kind)
    expected = np.argsort(-scores, axis=1, kind="stable")
    for k in (1, 2, 4, 7):
        found = ops.convert_to_numpy(top_k_indices(ops.array(scores), k))
        if BACKEND == "torch":  # of equal numbers its top_k takes any
            found, places = (
                np.take_along_axis(scores, p, axis=1) for p in (found, expected[:, :k])
            )
            np.testing.assert_array_equal(found, places)
        else:
            np.testing.assert_array_equal(found, expected[:, :k])


def test_infinite_padding_of_blocks_is_never_chosen():
    scores = np.full((1, 3 * BLOCK - 9), -np.inf, "float32")
    scores[:, -2:] = 1.0, 3.0
    found = ops.convert_to_numpy(top_k_indices(ops.array(scores), 2)).tolist()
    assert found == [[3 * BLOCK - 10, 3 * BLOCK - 11]]
    scores[:, -2] = -np.inf
    [[best, other]] = ops.convert_to_numpy(top_k_indices(ops.array(scores), 2)).tolist()
    assert best == 3 * BLOCK - 10
    assert other < best


@pytest.mark.parametrize("kind", ["different", "equal", "masked"])
def test_argmax_is_that_of_numpy(kind):
    scores = rows(230, kind).reshape(1, 5, 230)
    found = ops.convert_to_numpy(argmax(ops.array(scores)))
    np.testing.assert_array_equal(found, scores.argmax(axis=-1))


def test_argmax_of_nan_is_an_index():
    nothing = ops.full((2, 3), float("nan"))
    assert ops.convert_to_numpy(argmax(nothing)).tolist() == [0, 0]
