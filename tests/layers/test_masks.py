import keras
import numpy as np
import pytest

from tests.backend import BACKEND, dtype_of, in_graph
from tf_transformer.layers.attention import MultiHeadAttention
from tf_transformer.layers.masks import (
    causal_mask,
    combine_masks,
    decoder_self_attention_mask,
    keys_mask,
    padding_mask,
)

IDS = [[5, 9, 0, 3, 0], [0, 0, 0, 0, 0]]  # padding inside too, and only padding


def test_padding_mask_is_true_at_real_tokens():
    mask = padding_mask(np.array(IDS))
    assert dtype_of(mask) == "bool"
    assert np.array(mask).astype(int).tolist() == [[1, 1, 0, 1, 0], [0, 0, 0, 0, 0]]


def test_causal_mask_is_the_printed_lower_triangle():
    mask = causal_mask(4)
    assert dtype_of(mask) == "bool"
    assert mask.shape == (1, 4, 4)
    assert np.array(mask)[0].astype(int).tolist() == [
        [1, 0, 0, 0],
        [1, 1, 0, 0],
        [1, 1, 1, 0],
        [1, 1, 1, 1],
    ]


def test_keys_mask_hides_columns_not_rows():
    mask = keys_mask(np.array([[True, False, True]]))
    assert mask.shape == (1, 1, 3)
    seen = np.broadcast_to(mask, (1, 2, 3)).astype(int).tolist()
    assert seen == [[[1, 0, 1], [1, 0, 1]]]


def test_decoder_mask_allows_only_real_tokens_of_the_past():
    is_real = np.array(IDS) != 0
    mask = np.array(decoder_self_attention_mask(is_real))
    for sentence in range(2):
        for query in range(5):
            for key in range(5):
                expected = key <= query and is_real[sentence, key]
                assert mask[sentence, query, key] == expected


@pytest.mark.parametrize("length", [1, 6])
def test_masks_work_where_the_length_is_known_only_at_run_time(length):
    function = in_graph(lambda ids: decoder_self_attention_mask(padding_mask(ids)))
    mask = function(np.ones((2, length), "int32"))
    expected = [np.tril(np.ones((length, length))).tolist()] * 2
    assert np.array(mask).astype(float).tolist() == expected


@pytest.mark.parametrize("shape", [(2, 1), (1, 7), (2, 5), (1, 1)])
def test_a_padding_mask_is_not_broadcast(shape):
    """Of all sentences or all positions at once it would hide silently too much."""
    x = np.ones((2, 7, 12), "float32")
    with pytest.raises(ValueError, match=r"Expected shape .*=\(2, 7\)") as error:
        combine_masks(x, x, padding_mask=np.ones(shape, bool))
    assert f"Received: shape={shape}" in str(error.value)


@pytest.mark.parametrize("shape", [(1, 5, 7), (2, 1, 7), (5, 7)])
def test_an_attention_mask_may_be_the_same_for_sentences_or_queries(shape):
    query, key = np.ones((2, 5, 12), "float32"), np.ones((2, 7, 12), "float32")
    mask = combine_masks(query, key, attention_mask=np.ones(shape, bool))
    assert len(mask.shape) == 3


@pytest.mark.parametrize("hidden", [-1e9, -np.inf, 2.0, np.nan])
@pytest.mark.parametrize("shape", [(2, 5, 7), (2, 7)])
def test_numbers_to_add_to_scores_are_not_a_mask(hidden, shape):
    """Cast to bool, 0 and -1e9 would hide what may be attended to, and the reverse."""
    query, key = np.ones((2, 5, 12), "float32"), np.ones((2, 7, 12), "float32")
    mask = np.zeros(shape, "float32")
    mask[..., 4:] = hidden
    name = "attention_mask" if len(shape) == 3 else "padding_mask"
    with pytest.raises(ValueError, match="Expected True or 1 .*Received: values from"):
        combine_masks(query, key, **{name: mask})


@pytest.mark.parametrize("dtype", ["float32", "int32", "int8"])
def test_a_mask_may_have_numbers_0_and_1(dtype):
    query, key = np.ones((2, 5, 12), "float32"), np.ones((2, 7, 12), "float32")
    mask = np.arange(2 * 5 * 7).reshape(2, 5, 7) % 3 == 0
    found = combine_masks(query, key, attention_mask=mask.astype(dtype))
    assert np.array(found).tolist() == mask.tolist()


def test_a_float_attention_mask_of_unknown_values_is_refused():
    """Its values would be cast to bool: -1e9 would mean may attend."""
    if BACKEND == "torch":
        pytest.skip("has no compiled functions: the values are known")
    x, mask = keras.Input((5, 12)), keras.Input((5, 5))
    layer = MultiHeadAttention(d_model=12, num_heads=3)
    model = keras.Model([x, mask], layer(x, x, attention_mask=mask))
    inputs = [np.ones((2, 5, 12)), np.ones((2, 5, 5))]
    with pytest.raises(ValueError, match="cast.mask, 'bool'.*Received: .*=float32"):
        model.predict(inputs, verbose=0)
