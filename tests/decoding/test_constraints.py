"""Allowed tokens, and the length penalty."""

import numpy as np
import pytest
from keras import ops

from tests.backend import dtype_of
from tf_transformer.decoding.constraints import (
    TokenRules,
    length_penalty,
    sentence_limits,
)
from tf_transformer.decoding.distribution import IMPOSSIBLE

LOGITS = np.random.default_rng(0).normal(size=(3, 2, 7)).astype("float32")
LIMITS = [1, 3, 9]


def distribution(position, logits=LOGITS, **rules):
    rules = TokenRules(ops.array(LIMITS), **rules)
    tokens, ranking = rules.distributions(logits, None, ops.array(position))
    assert ranking is tokens
    return tokens


def allowed(position, **rules):
    """Which tokens may be written by the first hypothesis of each sentence."""
    scores = ops.convert_to_numpy(distribution(position, **rules).all_log_probs())
    assert scores.shape == LOGITS.shape
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
    tokens = distribution(0)
    logits = LOGITS.astype("float64")
    expected = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    scores = ops.convert_to_numpy(tokens.all_log_probs())
    token_ids = [1, 3, 4, 5, 6]
    np.testing.assert_allclose(
        scores[1:, :, token_ids], expected[1:, :, token_ids], rtol=1e-5
    )
    some = np.broadcast_to([[6, 0], [5, 1]], (3, 2, 2)).astype("int32")
    found = ops.convert_to_numpy(tokens.log_probs(ops.array(some)))
    np.testing.assert_array_equal(found, np.take_along_axis(scores, some, axis=-1))
    assert found[1, 0, 1] == IMPOSSIBLE  # padding


def test_the_best_tokens_are_allowed_ones_and_an_only_choice_comes_alone():
    logits = np.array([[[9, 1, 9, 5, 7, 3, 2]]] * 3, "float32")
    prefix_ids = ops.array([[0, 0], [6, 1], [0, 0]])
    tokens = distribution(0, ops.array(logits), prefix_ids=prefix_ids)
    best = ops.convert_to_numpy(tokens.best(3))[:, 0]
    # the first sentence is at its limit, the second in its prefix
    assert best.tolist() == [[3, 0, 0], [6, 0, 0], [4, 3, 5]]
    log_probs = ops.convert_to_numpy(tokens.log_probs(ops.array(best[:, None])))[:, 0]
    assert (log_probs == IMPOSSIBLE).tolist() == [[False, True, True]] * 2 + [
        [False] * 3
    ]


def test_half_precision_logits_are_scored_in_float32():
    scores = distribution(0, ops.cast(LOGITS, "bfloat16")).all_log_probs()
    assert dtype_of(scores) == "float32"
    assert float(scores[0, 0, 0]) == IMPOSSIBLE


def test_limits_are_raised_to_min_length_but_0_stays():
    limits = sentence_limits(np.array([0, 1, 4, 6, 9]), 4, max_length=7)
    assert ops.convert_to_numpy(limits).tolist() == [0, 4, 4, 6, 7]
    assert dtype_of(limits) == "int32"


@pytest.mark.parametrize(
    "length, alpha, expected",
    [(1, 0.6, 1.0), (7, 1.0, 2.0), (7, 0.6, 1.515717), (19, 0.5, 2.0), (4, 0.0, 1.0)],
)
def test_length_penalty_by_hand(length, alpha, expected):
    found = length_penalty(ops.array([length, 1]), alpha)
    np.testing.assert_allclose(found, [expected, 1.0], rtol=1e-6)


@pytest.mark.parametrize("prefix", [[0, 5], [4, 0, 5], [0, 0, 6]])
def test_padding_before_a_token_of_a_prefix_is_refused(prefix):
    rows = [[8, 7, 6][: len(prefix)], prefix]
    with pytest.raises(ValueError, match="Prefixes are padded at the end"):
        TokenRules(ops.array([5, 6]), prefix_ids=ops.array(rows))


@pytest.mark.parametrize("limits", [6, [[6]]])
def test_each_sentence_has_a_limit(limits):
    with pytest.raises(ValueError, match=r"in limits. Expected the shape \(B,\)"):
        sentence_limits(limits, 0, 9)
