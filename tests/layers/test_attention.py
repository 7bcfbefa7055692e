import re

import keras
import numpy as np
import pytest
from keras import ops

from tests import reference
from tests.backend import gradients
from tests.layer_contract import assert_layer_contract
from tf_transformer.layers.attention import MultiHeadAttention

D_MODEL, NUM_HEADS = 12, 3
RANDOM = np.random.default_rng(5)
QUERY = RANDOM.normal(size=(2, 5, D_MODEL)).astype("float32")
VALUE = RANDOM.normal(size=(2, 7, D_MODEL)).astype("float32")
KEY = RANDOM.normal(size=(2, 7, D_MODEL)).astype("float32")
MASK = RANDOM.random((2, 5, 7)) < 0.6
MASK[:, :, 0] = True


@pytest.fixture
def layer():
    attention = MultiHeadAttention(d_model=D_MODEL, num_heads=NUM_HEADS)
    attention.build(QUERY.shape, VALUE.shape)
    for weight in attention.weights:  # biases too
        weight.assign(RANDOM.normal(scale=0.5, size=weight.shape))
    return attention


def keras_twin(layer):
    """Keras' own layer with the same weights, which it keeps by head."""
    d_k = D_MODEL // NUM_HEADS
    twin = keras.layers.MultiHeadAttention(NUM_HEADS, key_dim=d_k)
    twin.build(QUERY.shape, VALUE.shape)
    weights = []
    for dense in (layer.query_dense, layer.key_dense, layer.value_dense):
        weights.append(dense.kernel.numpy().reshape(D_MODEL, NUM_HEADS, d_k))
        weights.append(dense.bias.numpy().reshape(NUM_HEADS, d_k))
    kernel = layer.output_dense.kernel.numpy().reshape(NUM_HEADS, d_k, D_MODEL)
    twin.set_weights([*weights, kernel, layer.output_dense.bias.numpy()])
    return twin


@pytest.mark.moderate
@pytest.mark.parametrize("mask_rows", [pytest.param(1, marks=pytest.mark.long), 5])
def test_keeps_the_layer_contract(mask_rows):
    assert_layer_contract(
        MultiHeadAttention,
        {"d_model": D_MODEL, "num_heads": NUM_HEADS, "dropout_rate": 0.4},
        {
            "query": (2, 5, D_MODEL),
            "value": (2, 7, D_MODEL),
            "key": (2, 7, D_MODEL),
            "attention_mask": (2, mask_rows, 7),
        },
        (2, 5, D_MODEL),
        num_weights=8,
    )


@pytest.mark.parametrize("mask", [None, MASK, MASK[:, :1]], ids=["none", "T", "1"])
@pytest.mark.parametrize("key", [None, KEY], ids=["key=value", "key"])
def test_equals_the_paper(layer, mask, key):
    output, weights = layer(
        QUERY, VALUE, key, attention_mask=mask, return_attention_scores=True
    )
    without_weights = layer(QUERY, VALUE, key, attention_mask=mask)
    numbers = reference.weights_of(layer)
    full_mask = np.broadcast_to(True if mask is None else mask, (2, 5, 7))
    for i in range(2):
        expected, expected_weights = reference.multi_head_attention(
            numbers,
            QUERY[i].astype("float64"),
            VALUE[i].astype("float64"),
            full_mask[i],
            NUM_HEADS,
            key=None if key is None else key[i].astype("float64"),
        )
        np.testing.assert_allclose(output[i], expected, atol=1e-5)
        np.testing.assert_allclose(without_weights[i], expected, atol=1e-5)
        np.testing.assert_allclose(weights[i], expected_weights, atol=1e-6)


@pytest.mark.parametrize("mask", [None, MASK, MASK[:, :1]], ids=["none", "T", "1"])
@pytest.mark.parametrize("key", [None, KEY], ids=["key=value", "key"])
def test_equals_keras_own_layer(layer, mask, key):
    twin = keras_twin(layer)
    arguments = {"key": key, "attention_mask": mask}
    expected, expected_weights = twin(
        QUERY, VALUE, **arguments, return_attention_scores=True
    )
    output, weights = layer(QUERY, VALUE, **arguments, return_attention_scores=True)
    np.testing.assert_allclose(output, expected, atol=1e-5)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)
    fused = twin(QUERY, VALUE, **arguments)
    np.testing.assert_allclose(layer(QUERY, VALUE, **arguments), fused, atol=1e-5)


def test_gradients_equal_those_of_keras_own_layer(layer):
    twin = keras_twin(layer)

    def loss(attention):
        return lambda query, value: ops.sum(
            attention(query, value, attention_mask=MASK) ** 3
        )

    found = (gradients(loss(attention), QUERY, VALUE) for attention in (layer, twin))
    for ours, theirs in zip(*found, strict=True):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours / scale, theirs / scale, atol=1e-5)


def test_weights_are_a_distribution_over_the_allowed_keys(layer):
    _, weights = layer(QUERY, VALUE, attention_mask=MASK, return_attention_scores=True)
    weights = np.array(weights)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, atol=1e-6)
    by_head = np.broadcast_to(MASK[:, None], weights.shape)
    assert np.all(weights[~by_head] == 0.0)
    assert np.all(weights[by_head] > 0.0)


def test_values_at_masked_keys_have_no_influence(layer):
    mask = MASK.copy()
    mask[:, :, 3] = False
    changed = VALUE.copy()
    changed[:, 3] = 1e6
    np.testing.assert_array_equal(
        layer(QUERY, changed, attention_mask=mask),
        layer(QUERY, VALUE, attention_mask=mask),
    )


def test_order_of_keys_and_values_does_not_matter(layer):
    order = np.array([3, 0, 6, 1, 5, 2, 4])
    output = layer(QUERY, VALUE, KEY, attention_mask=MASK)
    shuffled = layer(
        QUERY, VALUE[:, order], KEY[:, order], attention_mask=MASK[:, :, order]
    )
    np.testing.assert_allclose(output, shuffled, atol=1e-5)
    only_values = layer(QUERY, VALUE[:, order], KEY, attention_mask=MASK)
    assert np.abs(output - only_values).max() > 0.1


def test_every_head_uses_its_own_part_of_the_width(layer):
    """Each head must depend on its own columns of W^Q and on no others."""
    _, before = layer(QUERY, VALUE, return_attention_scores=True)
    kernel = layer.query_dense.kernel.numpy()
    kernel[:, 4:8] += 1.0  # d_k = 4: the second head's
    layer.query_dense.kernel.assign(kernel)
    _, after = layer(QUERY, VALUE, return_attention_scores=True)
    moved = np.abs(np.array(after) - before).max(axis=(0, 2, 3))
    assert (moved > 1e-3).tolist() == [False, True, False]


def test_dropout_changes_the_output_but_not_the_returned_weights(layer):
    dropping = MultiHeadAttention(
        d_model=D_MODEL, num_heads=NUM_HEADS, dropout_rate=0.5
    )
    dropping.build(QUERY.shape, VALUE.shape)
    dropping.set_weights(layer.get_weights())
    calm, weights = layer(QUERY, VALUE, return_attention_scores=True)
    dropped, shown = dropping(QUERY, VALUE, return_attention_scores=True, training=True)
    np.testing.assert_allclose(shown, weights, atol=1e-6)
    assert np.abs(np.array(dropped) - calm).max() > 1e-2


def test_arguments_may_be_positional_in_a_functional_model(layer):
    query, value = keras.Input((5, D_MODEL)), keras.Input((7, D_MODEL))
    mask = keras.Input((5, 7), dtype="bool")
    model = keras.Model([query, value, mask], layer(query, value, value, mask))
    expected = layer(QUERY, VALUE, VALUE, MASK)
    np.testing.assert_allclose(model([QUERY, VALUE, MASK]), expected, atol=1e-6)


@pytest.mark.parametrize("num_heads", [5, 8, 24])
def test_width_not_divisible_by_the_heads_is_an_error(num_heads):
    with pytest.raises(
        ValueError,
        match=rf"divisible by num_heads.*d_model=12, num_heads={num_heads}$",
    ):
        MultiHeadAttention(d_model=12, num_heads=num_heads)


@pytest.mark.parametrize("shape", [(5, D_MODEL), (2, 4, 5, D_MODEL)])
def test_inputs_of_another_rank_are_refused(shape):
    other, usual = np.ones(shape, "float32"), np.ones((2, 5, D_MODEL), "float32")
    for inputs in ((other, usual), (usual, other), (usual, usual, other)):
        with pytest.raises(ValueError, match=re.escape(f"shape={shape}")):
            MultiHeadAttention(d_model=D_MODEL, num_heads=NUM_HEADS)(*inputs)
