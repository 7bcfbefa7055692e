"""Records of attention: they see, and change nothing."""

import keras
import numpy as np
import pytest

from tf_transformer.layers import Encoder, MultiHeadAttention
from tf_transformer.layers.record import recorded


@pytest.fixture
def layer():
    return MultiHeadAttention(d_model=12, num_heads=3)


def look(layer):
    random = np.random.default_rng(5)
    query, value = random.normal(size=(2, 7, 12)), random.normal(size=(2, 5, 12))
    return layer(query, value, return_attention_scores=True)


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_keeps_what_the_layer_computed(layer):
    with recorded() as record:
        output, weights = look(layer)
    assert list(record) == [layer]
    noted = record[layer]
    np.testing.assert_array_equal(numbers(noted["weights"]), numbers(weights))
    # the second witness: softmax(Q K^T / sqrt(d_k)) from what was noted
    query, keys = numbers(noted["query"]), numbers(noted["keys"])
    scores = np.einsum("bhtd,bhsd->bhts", query, keys) / np.sqrt(4)
    expected = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(numbers(weights), expected, atol=2e-6)
    np.testing.assert_array_equal(numbers(look(layer)[0]), numbers(output))


def test_is_closed_afterwards(layer):
    with recorded() as record:
        pass
    look(layer)
    assert record == {}


def test_the_innermost_record_gets_it_and_the_outer_one_is_open_again(layer):
    with recorded() as outer:
        with recorded() as inner:
            look(layer)
        assert (len(outer), len(inner)) == (0, 1)
        look(layer)
    assert len(outer) == 1


def test_is_closed_after_an_error(layer):
    with pytest.raises(RuntimeError, match="stop"), recorded() as record:
        raise RuntimeError("stop")
    look(layer)
    assert record == {}


def test_blocks_note_what_leaves_them():
    encoder = Encoder(num_layers=2, d_model=12, num_heads=3, d_ff=17)
    with recorded() as record:
        output = encoder(np.random.default_rng(6).normal(size=(2, 7, 12)))
    last = record[encoder.blocks[-1]]["output"]
    np.testing.assert_array_equal(numbers(last), numbers(output))
    first = numbers(record[encoder.blocks[0]]["output"])
    assert np.abs(first - numbers(output)).max() > 0.1
