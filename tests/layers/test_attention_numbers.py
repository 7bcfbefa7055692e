"""Attention against published numbers, and with all keys hidden."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests.backend import dtype_of, gradients, in_graph, variable_gradients
from tf_transformer.layers.attention import (
    MultiHeadAttention,
    scaled_dot_product_attention,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors.json").read_text())


def test_equals_published_unscaled_example_when_the_query_undoes_the_scale():
    case = VECTORS["attention_unscaled"]
    query, key, value = (
        ops.convert_to_tensor(case[name], "float32")
        for name in ("query", "key", "value")
    )
    output, weights = scaled_dot_product_attention(query * 2**0.5, key, value)
    np.testing.assert_allclose(weights, case["weights"], atol=1e-6)
    np.testing.assert_allclose(output, case["output"], atol=1e-6)


def published_identity_weights():
    case = VECTORS["attention_identity"]
    expected = np.full((case["size"], case["size"]), case["off_diagonal"])
    np.fill_diagonal(expected, case["on_diagonal"])
    return expected


def test_equals_published_identity_example():
    _, weights = scaled_dot_product_attention(ops.eye(8), ops.eye(8), ops.eye(8))
    np.testing.assert_allclose(weights, published_identity_weights(), atol=5e-5)


def test_scores_are_divided_by_the_root_of_one_heads_width():
    """8 heads of width 8: dividing by sqrt(64) would give 0.1393 and 0.1230."""
    layer = MultiHeadAttention(d_model=64, num_heads=8)
    identity = np.eye(8, dtype="float32")[None]
    layer.build(identity.shape)
    for dense in (layer.query_dense, layer.key_dense):
        dense.kernel.assign(np.tile(np.eye(8), (1, 8)))
    _, weights = layer(identity, identity, return_attention_scores=True)
    assert weights.shape == (1, 8, 8, 8)
    for head in range(8):
        np.testing.assert_allclose(
            weights[0, head], published_identity_weights(), atol=5e-5
        )


def test_takes_any_number_of_leading_axes():
    random = np.random.default_rng(1)
    query, key, value = (
        random.normal(size=(2, 3, 4, length, width)).astype("float32")
        for length, width in ((5, 6), (7, 6), (7, 8))
    )
    output, weights = scaled_dot_product_attention(query, key, value)
    assert (output.shape, weights.shape) == ((2, 3, 4, 5, 8), (2, 3, 4, 5, 7))
    one, _ = scaled_dot_product_attention(query[1, 2, 3], key[1, 2, 3], value[1, 2, 3])
    np.testing.assert_allclose(output[1, 2, 3], one, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("mask", [None, np.ones((5, 7), bool)], ids=["none", "mask"])
def test_softmax_is_computed_in_float32(dtype, mask, monkeypatch):
    seen = []
    softmax = keras.ops.softmax

    def spy(x, axis=-1):
        seen.append(dtype_of(x))
        return softmax(x, axis)

    monkeypatch.setattr(keras.ops, "softmax", spy)
    keys = ops.ones((7, 4), dtype)
    output, weights = scaled_dot_product_attention(keys[:5], keys, keys, mask)
    assert (seen, dtype_of(output), dtype_of(weights)) == (["float32"], dtype, dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_only_allowed_key_gets_everything_however_low_its_score(dtype):
    query = ops.convert_to_tensor([[100.0, 0.0]], dtype)
    key = ops.convert_to_tensor([[100.0, 0.0], [-100.0, 0.0]], dtype)
    mask = np.array([[False, True]])
    output, weights = scaled_dot_product_attention(query, key, key, mask)
    assert np.array(weights).astype(float).tolist() == [[0.0, 1.0]]
    assert np.array(output).astype(float).tolist() == [[-100.0, 0.0]]


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("is_graph", [False, True], ids=["eager", "graph"])
def test_query_without_allowed_keys_gets_the_output_bias(dtype, is_graph):
    random = np.random.default_rng(1)
    layer = MultiHeadAttention(d_model=12, num_heads=3, dtype=dtype)
    layer.build((2, 7, 12))
    layer.value_dense.bias.assign(random.normal(size=12))
    layer.output_dense.bias.assign(random.normal(size=12))
    states = random.normal(size=(2, 7, 12)).astype("float32")
    mask = np.ones((2, 7, 7), bool)
    mask[0, 2] = False  # one query
    mask[1] = False  # a whole sentence

    def call(states, mask):
        with_weights = layer(
            states, states, attention_mask=mask, return_attention_scores=True
        )
        return layer(states, states, attention_mask=mask), *with_weights

    call = in_graph(call) if is_graph else call
    plain, output, weights = (
        np.array(ops.cast(x, "float32")) for x in call(states, mask)
    )
    bias = layer.output_dense.bias.numpy()
    unit = 1e-7 if dtype == "float32" else 2.0**-8
    for answer in (plain, output):
        np.testing.assert_allclose(answer[0, 2], bias, rtol=unit)
        np.testing.assert_allclose(answer[1], np.tile(bias, (7, 1)), rtol=unit)
        assert np.abs(answer[0, 1] - bias).max() > 0.05
    assert np.all(weights[0, :, 2] == 0.0)
    assert np.all(weights[1] == 0.0)
    assert np.all(weights[0, :, 1] > 0.0)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_gradients_are_finite_with_a_query_without_allowed_keys(dtype):
    layer = MultiHeadAttention(d_model=12, num_heads=3, dtype=dtype)
    layer.build((2, 7, 12))
    states = np.random.default_rng(1).normal(size=(2, 7, 12)).astype("float32")
    mask = np.ones((2, 7, 7), bool)
    mask[1] = False

    def loss(states):
        output = layer(states, states, attention_mask=mask)
        return ops.sum(ops.cast(output, "float32"))

    (gradient,) = gradients(loss, states)
    weight_gradients = variable_gradients(lambda: loss(states), layer.weights)
    for number in (gradient, *weight_gradients):
        assert np.all(np.isfinite(number))
    assert np.all(gradient[1] == 0.0)
    assert np.abs(gradient[0]).max() > 0.0
