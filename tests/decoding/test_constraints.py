"""Allowed tokens, and the length penalty."""

import numpy as np
import pytest
from keras import ops

from tests.backend import dtype_of
from tf_transformer.decoding.constraints import (
    IMPOSSIBLE,
    allowed_log_probs,
    length_penalty,
    sentence_limits,
)

LOGITS = np.random.default_rng(0).normal(size=(3, 2, 7)).astype("float32")
LIMITS = [1, 3, 9]


def allowed(position, min_length=0, logits=LOGITS, **prefix):
    """Which tokens may be written by the first hypothesis of each sentence."""
    position, limits = ops.array(position), ops.array(LIMITS)
    scores = ops.convert_to_numpy(
        allowed_log_probs(logits, position, limits, min_length, **prefix)
    )
    assert scores.shape == logits.shape
    np.testing.assert_array_equal(
        scores[:, 0] == IMPOSSIBLE, scores[:, 1] == IMPOSSIBLE
    )
    return [set(np.flatnonzero(row[0] != IMPOSSIBLE).tolist()) for row in scores]


@pytest.mark.parametrize(
    "position, expected",
    [
        (0, [{3}, {1, 3, 4, 5, 6}, {1, 3, 4, 5, 6}]),
        (1, [{3}, {1, 3, 4, 5, 6}, {1, 3, 4, 5, 6}]),
        (2, [{3}, {3}, {1, 3, 4, 5, 6}]),
        (8, [{3}, {3}, {3}]),
    ],
)
def test_only_the_end_token_is_allowed_at_the_limit(position, expected):
    assert allowed(position) == expected


def test_the_end_token_is_allowed_from_min_length_on():
    limits_reached = 2
    assert allowed(1, min_length=3)[limits_reached] == {1, 4, 5, 6}
    assert allowed(2, min_length=3)[limits_reached] == {1, 3, 4, 5, 6}


@pytest.mark.parametrize(
    "position, expected",
    [
        (0, [{3}, {6}, {4}]),
        (1, [{3}, {1, 3, 4, 5, 6}, {1}]),
        (2, [{3}, {3}, {1, 3, 4, 5, 6}]),
        (5, [{3}, {3}, {1, 3, 4, 5, 6}]),
    ],
)
def test_a_prefix_is_the_only_choice_at_its_positions(position, expected):
    prefix_ids = np.array([[0, 0], [6, 0], [4, 1]])
    assert allowed(position, prefix_ids=prefix_ids) == expected


def test_allowed_tokens_keep_the_log_probability_of_the_model():
    scores = allowed_log_probs(LOGITS, ops.array(0), ops.array(LIMITS), 0)
    logits = LOGITS.astype("float64")
    expected = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    scores = ops.convert_to_numpy(scores)
    tokens = [1, 3, 4, 5, 6]
    np.testing.assert_allclose(
        scores[1:, :, tokens], expected[1:, :, tokens], rtol=1e-5
    )


def test_half_precision_logits_are_scored_in_float32():
    scores = allowed_log_probs(
        ops.cast(LOGITS, "bfloat16"), ops.array(0), ops.array(LIMITS), 0
    )
    assert dtype_of(scores) == "float32"
    assert float(scores[0, 0, 0]) == IMPOSSIBLE


def test_limits_are_raised_to_min_length_but_0_stays():
    limits = sentence_limits(np.array([0, 1, 4, 6]), 4)
    assert ops.convert_to_numpy(limits).tolist() == [0, 4, 4, 6]
    assert dtype_of(limits) == "int32"


@pytest.mark.parametrize(
    "length, alpha, expected",
    [(1, 0.6, 1.0), (7, 1.0, 2.0), (7, 0.6, 1.515717), (19, 0.5, 2.0), (4, 0.0, 1.0)],
)
def test_length_penalty_by_hand(length, alpha, expected):
    found = length_penalty(ops.array([length, 1]), alpha)
    np.testing.assert_allclose(found, [expected, 1.0], rtol=1e-6)
