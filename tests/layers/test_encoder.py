import keras
import numpy as np
import pytest

from tests import reference
from tests.layer_contract import assert_layer_contract
from tf_transformer.layers import Encoder, EncoderBlock

BLOCK = {"d_model": 12, "num_heads": 3, "d_ff": 17}
RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(2, 7, 12)).astype("float32")
IS_REAL = np.array([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0]], bool)
NORMS = pytest.mark.parametrize(
    "normalize_first", [False, True], ids=["post-norm", "pre-norm"]
)


def with_random_weights(layer):
    layer.build(X.shape)
    for weight in layer.weights:
        weight.assign(weight + RANDOM.normal(scale=0.3, size=weight.shape))
    return layer


@pytest.mark.moderate
@pytest.mark.parametrize(
    ("layer_class", "normalize_first"),
    [
        (EncoderBlock, True),
        pytest.param(Encoder, False, marks=pytest.mark.long),
        pytest.param(Encoder, True, marks=pytest.mark.long),
    ],
)
def test_keeps_the_layer_contract(layer_class, normalize_first):
    arguments = {
        **BLOCK,
        "dropout_rate": 0.3,
        "attention_dropout_rate": 0.35,
        "activation": "gelu",
        "normalize_first": normalize_first,
    }
    num_weights = 16  # attention 8, feed-forward 4, two normalizations 4
    if layer_class is Encoder:
        arguments["num_layers"] = 2
        num_weights = 2 * num_weights + 2 * normalize_first
    assert_layer_contract(
        layer_class,
        arguments,
        {
            "inputs": (2, 7, 12),
            "padding_mask": (2, 7),
            "self_attention_mask": (2, 7, 7),
        },
        (2, 7, 12),
        num_weights,
    )


@NORMS
def test_block_equals_the_paper(normalize_first):
    block = with_random_weights(EncoderBlock(**BLOCK, normalize_first=normalize_first))
    mask = RANDOM.random((2, 7, 7)) < 0.6
    output = block(X, self_attention_mask=mask)
    for i in range(2):
        expected = reference.block(
            reference.weights_of(block),
            X[i].astype("float64"),
            mask[i],
            num_heads=3,
            normalize_first=normalize_first,
        )
        np.testing.assert_allclose(output[i], expected, rtol=1e-4, atol=1e-5)


@NORMS
def test_stack_equals_the_paper(normalize_first):
    encoder = with_random_weights(
        Encoder(num_layers=2, **BLOCK, normalize_first=normalize_first)
    )
    output = encoder(X, self_attention_mask=IS_REAL[:, None])
    for i in range(2):
        expected = reference.stack(
            reference.weights_of(encoder),
            X[i].astype("float64"),
            [IS_REAL[i]] * 7,
            num_heads=3,
            normalize_first=normalize_first,
        )
        np.testing.assert_allclose(output[i], expected, rtol=1e-4, atol=1e-5)


@NORMS
def test_padding_changes_nothing_at_real_tokens(normalize_first):
    encoder = with_random_weights(
        Encoder(num_layers=2, **BLOCK, normalize_first=normalize_first)
    )
    padded = encoder(X, padding_mask=IS_REAL)
    alone = encoder(X[1:, :4])
    np.testing.assert_allclose(padded[1, :4], alone[0], atol=1e-5)
    without_mask = encoder(X)
    assert np.abs(without_mask[1, :4] - alone[0]).max() > 0.01


def test_blocks_share_no_weight():
    encoder = with_random_weights(Encoder(num_layers=2, **BLOCK))
    first, second = encoder.blocks
    assert {id(w) for w in first.weights}.isdisjoint(id(w) for w in second.weights)
    assert len(encoder.weights) == len(first.weights) + len(second.weights)


def test_copy_from_config_has_the_same_blocks_inside():
    encoder = Encoder(num_layers=2, **BLOCK, dropout_rate=0.3, activation="gelu")
    copy = Encoder.from_config(encoder.get_config())
    for one, other in zip(encoder.blocks, copy.blocks, strict=True):
        assert one.get_config() == other.get_config()
        assert other.feed_forward.inner_dense.activation is keras.activations.gelu


def test_mixed_precision_reaches_every_layer_inside():
    encoder = Encoder(
        num_layers=2, **BLOCK, normalize_first=True, dtype="mixed_bfloat16"
    )
    assert {layer.dtype_policy.name for layer in encoder._flatten_layers()} == {
        "mixed_bfloat16"
    }
