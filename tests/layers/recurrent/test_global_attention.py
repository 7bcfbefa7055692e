import keras
import numpy as np
import pytest

from tests.layer_contract import assert_layer_contract
from tests.recurrent_reference import attend
from tests.reference import weights_of
from tf_transformer.layers.recurrent.global_attention import GlobalAttention
from tf_transformer.layers.recurrent.score_functions import SCORE_FUNCTIONS


def vectors(length, seed):
    shape = (2, length, 12)
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def made(score):
    layer = GlobalAttention(d_model=12, score=score)
    layer.build((None, None, 12))
    random = np.random.default_rng(5)
    for weight in layer.weights:
        weight.assign(random.normal(scale=0.6, size=weight.shape))
    return layer


@pytest.mark.moderate
def test_keeps_the_layer_contract():
    shapes = {"query": (2, 5, 12), "value": (2, 7, 12), "attention_mask": (2, 5, 7)}
    assert_layer_contract(
        GlobalAttention, {"d_model": 12, "score": "additive"}, shapes, (2, 5, 12), 4
    )


@pytest.mark.parametrize("score", list(SCORE_FUNCTIONS))
def test_equals_the_papers_formulas(score):
    layer = made(score)
    queries, states = vectors(5, 1), vectors(7, 2)
    found, weights = layer.attend(queries, *layer.keys_and_values(states))
    for row in range(2):
        expected = attend(weights_of(layer), score, queries[row], states[row])
        np.testing.assert_allclose(found[row], expected[0], atol=1e-5)
        np.testing.assert_allclose(weights[row], expected[1], atol=1e-5)


def test_masked_keys_have_no_influence():
    layer = made("general")
    queries, states = vectors(5, 1), vectors(7, 2)
    mask = np.arange(7)[None, None] < np.array([7, 4])[:, None, None]
    found = np.array(layer(queries, states, attention_mask=mask))
    np.testing.assert_allclose(found[:1], layer(queries[:1], states[:1]), atol=1e-6)
    short = layer(queries[1:], states[1:, :4])
    np.testing.assert_allclose(found[1:], short, atol=1e-6)
    assert np.abs(found[1:] - layer(queries[1:], states[1:])).max() > 0.01


def test_weights_equal_keras_attention_with_a_mask():
    layer = made("dot")
    queries, states = vectors(5, 1), vectors(7, 2)
    real = np.arange(7)[None] < np.array([7, 4])[:, None]
    _, weights = layer.attend(queries, states, states, real[:, None])
    _, expected = keras.layers.Attention()(
        [queries, states],
        mask=[None, real],
        return_attention_scores=True,
    )
    np.testing.assert_allclose(weights, expected, atol=1e-6)


def test_query_without_allowed_keys_is_unchanged():
    layer = made("additive")
    queries, states = vectors(5, 1), vectors(7, 2)
    nothing = np.zeros((2, 1, 7), "bool")
    kernel = layer.output_dense.get_weights()[0][12:]
    np.testing.assert_allclose(
        layer(queries, states, attention_mask=nothing),
        np.tanh(queries @ kernel),
        atol=1e-5,
    )


def test_without_a_score_function_the_single_value_is_returned():
    layer = made(None)
    queries, value = vectors(5, 1), vectors(1, 2)
    found, weights = layer.attend(queries, *layer.keys_and_values(value))
    assert weights.shape == (2, 5, 1)
    both = np.concatenate([np.repeat(value, 5, axis=1), queries], axis=-1)
    expected = np.tanh(both @ layer.get_weights()[0])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_unknown_score_is_an_error_that_names_the_known():
    with pytest.raises(ValueError, match="dot, scaled_dot, .*: score='cosine'"):
        GlobalAttention(d_model=12, score="cosine")
