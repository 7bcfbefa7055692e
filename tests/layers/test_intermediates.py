"""Capturing intermediate results does not change them."""

import keras
import numpy as np
import pytest

from tf_transformer.layers import Encoder, MultiHeadAttention, capture_intermediates
from tf_transformer.models import Transformer


@pytest.fixture
def layer():
    return MultiHeadAttention(d_model=12, num_heads=3)


def attend(layer):
    random = np.random.default_rng(5)
    query, value = random.normal(size=(2, 7, 12)), random.normal(size=(2, 5, 12))
    return layer(query, value, return_attention_scores=True)


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_captures_what_the_layer_computed(layer):
    with capture_intermediates() as captured:
        output, weights = attend(layer)
    assert list(captured) == [layer]
    tensors = captured[layer]
    np.testing.assert_array_equal(numbers(tensors["weights"]), numbers(weights))
    # independently: softmax(Q K^T / sqrt(d_k)) of the captured tensors
    query, keys = numbers(tensors["query"]), numbers(tensors["keys"])
    scores = np.einsum("bhtd,bhsd->bhts", query, keys) / np.sqrt(4)
    expected = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(numbers(weights), expected, atol=2e-6)
    np.testing.assert_array_equal(numbers(attend(layer)[0]), numbers(output))


def test_ends_with_the_with_statement(layer):
    with capture_intermediates() as captured:
        pass
    attend(layer)
    assert captured == {}


def test_every_open_capture_gets_the_tensors(layer):
    other = MultiHeadAttention(d_model=12, num_heads=3)
    with capture_intermediates() as outer:
        with capture_intermediates() as inner:
            _, weights = attend(layer)
        attend(other)
    assert (list(outer), list(inner)) == ([layer, other], [layer])
    for captured in (outer, inner):
        found = captured[layer]["weights"]
        np.testing.assert_array_equal(numbers(found), numbers(weights))


def test_the_weights_of_a_model_are_captured_too():
    """`Transformer.attend` captures by itself."""
    inputs = {"source_ids": np.array([[5, 9, 3]]), "target_ids": np.array([[2, 7]])}
    model = Transformer(23, num_layers=1, d_model=12, num_heads=3, d_ff=17)
    with capture_intermediates() as captured:
        found = model.attend(inputs)
    weights = captured[model.decoder.blocks[0].cross_attention]["weights"]
    np.testing.assert_array_equal(numbers(found["cross"])[:, 0], numbers(weights))


def test_ends_after_an_error(layer):
    with pytest.raises(RuntimeError, match="stop"), capture_intermediates() as captured:
        raise RuntimeError("stop")
    attend(layer)
    assert captured == {}


def test_blocks_sow_their_output():
    encoder = Encoder(num_layers=2, d_model=12, num_heads=3, d_ff=17)
    with capture_intermediates() as captured:
        output = encoder(np.random.default_rng(6).normal(size=(2, 7, 12)))
    last = captured[encoder.blocks[-1]]["output"]
    np.testing.assert_array_equal(numbers(last), numbers(output))
    first = numbers(captured[encoder.blocks[0]]["output"])
    assert np.abs(first - numbers(output)).max() > 0.1
