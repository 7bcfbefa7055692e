"""Masks as Keras users expect them: padding is hidden, ranks are checked."""

import keras
import numpy as np
import pytest
from keras import ops

from tests import reference
from tf_transformer.layers import (
    Decoder,
    DecoderBlock,
    Encoder,
    EncoderBlock,
    GlobalAttention,
    MultiHeadAttention,
    RecurrentEncoder,
    SSRUDecoder,
    SSRUDecoderBlock,
    TokenEmbedding,
    causal_mask,
    decoder_self_attention_mask,
    padding_mask,
)

SIZES = {"d_model": 12, "num_heads": 3, "d_ff": 17}
STACK = {**SIZES, "num_layers": 2}
RANDOM = np.random.default_rng(11)
X = RANDOM.normal(size=(2, 5, 12)).astype("float32")
SOURCE = RANDOM.normal(size=(2, 7, 12)).astype("float32")
IS_REAL = np.arange(5) < np.array([[5], [3]])
SOURCE_IS_REAL = np.arange(7) < np.array([[4], [7]])
ENCODERS = pytest.mark.parametrize(
    "make", [lambda: EncoderBlock(**SIZES), lambda: Encoder(**STACK)]
)
DECODERS = pytest.mark.parametrize(
    "make",
    [
        lambda: DecoderBlock(**SIZES),
        lambda: Decoder(**STACK),
        lambda: SSRUDecoderBlock(**SIZES),
        lambda: SSRUDecoder(**STACK),
    ],
)


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def with_random_weights(layer, shape=X.shape):
    layer.build(shape)
    random = np.random.default_rng(12)
    for weight in layer.weights:
        weight.assign(weight + random.normal(scale=0.3, size=weight.shape))
    return layer


def padded(x, count):
    """`count` more positions of large numbers, which only a mask can hide."""
    return np.concatenate([x, np.full((2, count, 12), 9.0, "float32")], axis=1)


def more(mask, count):
    return np.pad(mask, ((0, 0), (0, count)))


@ENCODERS
def test_padding_mask_alone_hides_padding_of_an_encoder(make):
    layer = with_random_weights(make())
    expected = numbers(layer(X, padding_mask=IS_REAL))
    found = numbers(layer(padded(X, 4), padding_mask=more(IS_REAL, 4)))[:, :5]
    np.testing.assert_allclose(found[IS_REAL], expected[IS_REAL], atol=1e-5)
    alone = numbers(layer(X[1:, :3]))
    np.testing.assert_allclose(expected[1, :3], alone[0], atol=1e-5)
    without = numbers(layer(X))
    assert np.abs(without - expected)[1, :3].max() > 0.01


@pytest.mark.moderate
@DECODERS
def test_padding_masks_alone_hide_padding_of_a_decoder(make):
    layer = with_random_weights(make())
    masks = {"padding_mask": IS_REAL, "encoder_padding_mask": SOURCE_IS_REAL}
    expected = numbers(layer(X, SOURCE, **masks))
    found = layer(
        padded(X, 4),
        padded(SOURCE, 2),
        padding_mask=more(IS_REAL, 4),
        encoder_padding_mask=more(SOURCE_IS_REAL, 2),
    )
    found = numbers(found)[:, :5]
    np.testing.assert_allclose(found[IS_REAL], expected[IS_REAL], atol=1e-5)
    without = numbers(layer(X, SOURCE, padding_mask=IS_REAL))
    assert np.abs(without - expected)[0].max() > 0.01
    # padding on the left, which the causal mask does not hide
    left = IS_REAL[:, ::-1]
    seen, hidden = layer(X, SOURCE), layer(X, SOURCE, padding_mask=left)
    assert np.abs(numbers(seen) - numbers(hidden))[1, 2:].max() > 0.01


def test_decoder_equals_the_paper_without_explicit_masks():
    decoder = with_random_weights(Decoder(**STACK))
    output = decoder(
        X, SOURCE, padding_mask=IS_REAL, encoder_padding_mask=SOURCE_IS_REAL
    )
    for i in range(2):
        expected = reference.stack(
            reference.weights_of(decoder),
            X[i].astype("float64"),
            np.tril(np.ones((5, 5), bool)) & IS_REAL[i],
            num_heads=3,
            source=(SOURCE[i].astype("float64"), [SOURCE_IS_REAL[i]] * 5),
        )
        np.testing.assert_allclose(output[i], expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("kind", ["self", "cross"])
def test_explicit_masks_of_a_decoder_hide_further_keys(kind):
    block = with_random_weights(DecoderBlock(**SIZES))
    may_attend = {
        "self": np.array(np.arange(5)[None] != 1),
        "cross": np.array(np.arange(7)[None] != 1),
    }[kind].repeat(5, axis=0)  # (T, S)
    masks = {"padding_mask": IS_REAL, "encoder_padding_mask": SOURCE_IS_REAL}
    output = block(X, SOURCE, **masks, **{f"{kind}_attention_mask": may_attend})
    self_mask = np.tril(np.ones((5, 5), bool))[None] & IS_REAL[:, None]
    cross_mask = SOURCE_IS_REAL[:, None].repeat(5, axis=1)
    if kind == "self":
        self_mask = self_mask & may_attend
    else:
        cross_mask = cross_mask & may_attend
    for i in range(2):
        expected = reference.block(
            reference.weights_of(block),
            X[i].astype("float64"),
            self_mask[i],
            num_heads=3,
            normalize_first=False,
            source=(SOURCE[i].astype("float64"), cross_mask[i]),
        )
        np.testing.assert_allclose(output[i], expected, rtol=1e-4, atol=2e-5)


@pytest.mark.moderate
def test_an_encoder_that_is_causal_does_not_see_the_future():
    encoder = with_random_weights(Encoder(**STACK))
    changed = X.copy()
    changed[:, 3] = RANDOM.normal(size=(2, 12))
    moved = numbers(encoder(changed, use_causal_mask=True)) - numbers(
        encoder(X, use_causal_mask=True)
    )
    assert np.abs(moved[:, :3]).max() < 1e-6 < 1e-3 < np.abs(moved[:, 3:]).max()
    decoder = with_random_weights(Decoder(**STACK))
    open_ends = [decoder(x, SOURCE, use_causal_mask=False) for x in (X, changed)]
    assert np.abs(numbers(open_ends[0]) - numbers(open_ends[1]))[:, 0].max() > 1e-3


@pytest.mark.parametrize("num_keys", [5, 7])
def test_causal_attention_equals_that_of_keras(num_keys):
    query, value = X, SOURCE[:, :num_keys]
    layer = with_random_weights(MultiHeadAttention(d_model=12, num_heads=3))
    _, scores = layer(query, value, return_attention_scores=True, use_causal_mask=True)
    twin = keras.layers.MultiHeadAttention(3, key_dim=4)
    twin.build(query.shape, value.shape)
    denses = (layer.query_dense, layer.key_dense, layer.value_dense)
    weights = []
    for dense in denses:
        weights += [numbers(dense.kernel).reshape(12, 3, 4)]
        weights += [numbers(dense.bias).reshape(3, 4)]
    kernel = numbers(layer.output_dense.kernel).reshape(3, 4, 12)
    twin.set_weights([*weights, kernel, numbers(layer.output_dense.bias)])
    _, expected = twin(query, value, return_attention_scores=True, use_causal_mask=True)
    np.testing.assert_allclose(numbers(scores), numbers(expected), atol=1e-5)


@pytest.mark.parametrize("batch_size", [2, 3, 5])  # 3 heads, 5 queries
def test_a_mask_of_rank_two_is_the_same_for_all_sentences_and_heads(batch_size):
    layer = with_random_weights(MultiHeadAttention(d_model=12, num_heads=3))
    query = np.resize(X, (batch_size, 5, 12))
    value = np.resize(SOURCE, (batch_size, 7, 12))
    mask = RANDOM.random((5, 7)) < 0.6
    found = layer(query, value, attention_mask=mask)
    expected = layer(query, value, attention_mask=mask[None].repeat(batch_size, 0))
    np.testing.assert_array_equal(numbers(found), numbers(expected))


def attend(**masks):
    MultiHeadAttention(d_model=12, num_heads=3)(X, SOURCE, **masks)


def attend_globally(**masks):
    GlobalAttention(d_model=12)(X, SOURCE, **masks)


def encode(**masks):
    Encoder(**STACK)(X, **masks)


def decode(**masks):
    Decoder(**STACK)(X, SOURCE, **masks)


def decode_with_ssru(**masks):
    SSRUDecoder(**STACK)(X, SOURCE, **masks)


def encode_with_rnn(**masks):
    RecurrentEncoder(num_layers=1, d_model=12)(X, **masks)


@pytest.mark.parametrize(
    ("call", "name", "shape", "message"),
    [
        (attend, "attention_mask", (2, 3, 5, 7), r"shape=\(2, 3, 5, 7\)"),
        (attend, "attention_mask", (7,), r"shape=\(7,\)"),
        (attend, "attention_mask", (2, 7), r"passed as padding_mask.*shape=\(2, 7\)"),
        (attend, "attention_mask", (2, 5, 6), r"shape=\(2, 5, 6\)"),
        (attend_globally, "attention_mask", (2, 1, 5, 7), r"shape=\(2, 1, 5, 7\)"),
        (encode, "self_attention_mask", (2, 1, 5, 5), r"shape=\(2, 1, 5, 5\)"),
        (encode, "padding_mask", (2, 1, 5), r"padding mask.*shape=\(2, 1, 5\)"),
        (encode, "padding_mask", (2, 4), r"padding_mask.*shape=\(2, 4\)"),
        (decode, "cross_attention_mask", (2, 1, 5, 7), r"shape=\(2, 1, 5, 7\)"),
        (decode, "encoder_padding_mask", (2, 5), r"shape=\(2, 5\)"),
        (decode_with_ssru, "padding_mask", (2, 1, 5), r"shape=\(2, 1, 5\)"),
        (decode_with_ssru, "padding_mask", (2, 7), r"\(2, 5\).*shape=\(2, 7\)"),
        (decode_with_ssru, "padding_mask", (2, 1), r"\(2, 5\).*shape=\(2, 1\)"),
        (decode_with_ssru, "encoder_padding_mask", (2, 5), r"shape=\(2, 5\)"),
        (decode_with_ssru, "cross_attention_mask", (2, 7), r"shape=\(2, 7\)"),
        (encode_with_rnn, "padding_mask", (2, 4), r"\(2, 5\).*shape=\(2, 4\)"),
    ],
)
def test_a_mask_of_a_wrong_shape_is_an_error_that_names_it(call, name, shape, message):
    with pytest.raises(ValueError, match=message):
        call(**{name: np.ones(shape, bool)})


def test_numbers_are_accepted_as_masks():
    encoder = with_random_weights(Encoder(**STACK))
    expected = numbers(encoder(X, padding_mask=IS_REAL))
    for dtype in ("int32", "float32"):
        found = encoder(X, padding_mask=IS_REAL.astype(dtype))
        np.testing.assert_array_equal(numbers(found), expected)


@pytest.mark.parametrize("length", [2, 6])
def test_a_functional_language_model_reads_any_length(length):
    ids = keras.Input((None,))
    is_real = padding_mask(ids)
    states = TokenEmbedding(vocab_size=23, d_model=12)(ids)
    by_argument = Encoder(**STACK, name="stack")
    outputs = [
        by_argument(states, padding_mask=is_real, use_causal_mask=True),
        by_argument(states, self_attention_mask=decoder_self_attention_mask(is_real)),
    ]
    model = keras.Model(ids, outputs)
    values = RANDOM.integers(1, 23, (2, length))
    values[1, -1] = 0
    one, other = map(numbers, model(values))
    np.testing.assert_allclose(one, other, atol=1e-6)
    later = values.copy()
    later[0, -1] = 22 if values[0, -1] != 22 else 21
    moved = np.abs(numbers(model(later)[0]) - one)[0].max(axis=-1)
    assert moved[:-1].max() < 1e-6 < moved[-1]


def test_an_unknown_length_is_an_error_that_names_the_argument():
    with pytest.raises(ValueError, match="use_causal_mask=True"):
        causal_mask(keras.Input((None,)).shape[1])
