import keras
import numpy as np
import pytest

from tests.layer_contract import assert_layer_contract
from tests.recurrent_reference import score_of_pair
from tests.reference import softmax, weights_of
from tf_transformer.layers.recurrent.score_functions import SCORE_FUNCTIONS

NUM_WEIGHTS = {"dot": 0, "scaled_dot": 0, "general": 1, "additive": 3, "concat": 2}
NAMES = pytest.mark.parametrize("name", list(SCORE_FUNCTIONS))


def vectors(width, length, seed):
    shape = (2, length, width)
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def made(name, query_width=12, states_width=12):
    layer = SCORE_FUNCTIONS[name]()
    layer.build((None, None, query_width), (None, None, states_width))
    random = np.random.default_rng(5)
    for weight in layer.weights:
        weight.assign(random.normal(scale=0.6, size=weight.shape))
    return layer


@pytest.mark.moderate
@NAMES
def test_keeps_the_layer_contract(name):
    shapes = {"query": (2, 5, 12), "states": (2, 7, 12)}
    assert_layer_contract(
        SCORE_FUNCTIONS[name], {}, shapes, (2, 5, 7), NUM_WEIGHTS[name]
    )


@NAMES
def test_equals_the_papers_formula_pair_by_pair(name):
    # only a score with a matrix can compare vectors of different widths
    widths = (12, 12) if NUM_WEIGHTS[name] == 0 else (12, 9)
    layer = made(name, *widths)
    queries, states = vectors(widths[0], 5, 1), vectors(widths[1], 7, 2)
    expected = [
        [[score_of_pair(weights_of(layer), name, q, k) for k in keys] for q in row]
        for row, keys in zip(queries, states, strict=True)
    ]
    np.testing.assert_allclose(layer(queries, states), expected, rtol=1e-4, atol=1e-5)


def keras_layer_and_ours(name):
    """Keras' attention layers have scores without matrices."""
    identity = np.eye(12)
    if name == "dot":
        return keras.layers.Attention(), []
    if name == "scaled_dot":
        layer = keras.layers.Attention(use_scale=True)
        layer.build([(2, 5, 12), (2, 7, 12)])
        layer.set_weights([np.array(12**-0.5)])
        return layer, []
    layer = keras.layers.AdditiveAttention()
    layer.build([(2, 5, 12), (2, 7, 12)])
    vector = np.random.default_rng(4).normal(size=12)
    layer.set_weights([vector])
    if name == "concat":
        return layer, [np.concatenate([identity, identity]), vector[:, None]]
    return layer, [identity, identity, vector[:, None]]


@pytest.mark.parametrize("name", ["dot", "scaled_dot", "additive", "concat"])
def test_softmax_of_the_scores_equals_keras(name):
    theirs, weights = keras_layer_and_ours(name)
    ours = made(name)
    ours.set_weights(weights)
    queries, states = vectors(12, 5, 1), vectors(12, 7, 2)
    _, expected = theirs([queries, states], return_attention_scores=True)
    scores = np.array(ours(queries, states))
    found = [[softmax(row) for row in rows] for rows in scores.astype("float64")]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_concat_is_additive_with_the_matrices_below_each_other():
    concat, additive = made("concat", 12, 9), made("additive", 12, 9)
    kernel, vector = concat.get_weights()
    additive.set_weights([kernel[:12], kernel[12:], vector])
    arguments = vectors(12, 5, 1), vectors(9, 7, 2)
    np.testing.assert_allclose(concat(*arguments), additive(*arguments), atol=1e-5)


@NAMES
def test_keys_are_prepared_once_for_any_number_of_queries(name):
    layer, states = made(name), vectors(12, 7, 2)
    queries = vectors(12, 5, 1)
    keys = layer.keys(states)
    one_by_one = [layer.score(queries[:, t : t + 1], keys) for t in range(5)]
    found = np.concatenate(one_by_one, axis=1)
    np.testing.assert_allclose(found, layer(queries, states), atol=1e-5)
