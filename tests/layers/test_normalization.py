"""Each normalization by hand; what padding and other positions do to each."""

import keras
import numpy as np
import pytest

from tests.backend import dtype_of, gradients, variable_gradients
from tf_transformer.layers import Encoder
from tf_transformer.layers.normalization import (
    GROUPS,
    NORMALIZATIONS,
    make_normalization,
    normalize,
)

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(loc=0.7, scale=1.9, size=(2, 7, 12)).astype("float32")
IS_TOKEN = np.arange(7) < np.array([[7], [4]])


def made(kind):
    norm = make_normalization(kind, "float32", "norm")
    norm.build(X.shape)
    return norm


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def standardized(x, axis):
    mean = x.mean(axis=axis, keepdims=True)
    return (x - mean) / np.sqrt(x.var(axis=axis, keepdims=True) + 1e-6)


def groups_of(x):
    rows = x.reshape(*x.shape[:-1], GROUPS, -1)
    return standardized(rows, -1).reshape(x.shape)


EXPECTED = {
    "layer": lambda x: standardized(x, -1),
    "rms": lambda x: x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-6),
    "group": groups_of,
    "batch_with_padding": lambda x: standardized(x, (0, 1)),
    "none": lambda x: x,
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_equals_its_formula(kind):
    found = normalize(made(kind), X, padding_mask=IS_TOKEN, training=True)
    expected = EXPECTED[kind](X.astype("float64"))
    np.testing.assert_allclose(numbers(found), expected, atol=1e-5)


@pytest.mark.needs_tensorflow  # elsewhere it is Keras' own
@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_bfloat16"])
def test_layer_norm_and_its_gradients_are_those_of_keras(dtype):
    gamma, beta = RANDOM.normal(size=(2, 12)).astype("float32")
    at_least = "float64" if dtype == "float64" else "float32"
    x, upstream = X.astype(at_least), RANDOM.normal(size=X.shape).astype(at_least)
    ours, theirs = (
        make_normalization("layer", dtype, "norm"),
        keras.layers.LayerNormalization(epsilon=1e-6, dtype=dtype),
    )
    assert type(ours) is not type(theirs)
    found = []
    for norm in (ours, theirs):
        norm.build(X.shape)
        norm.gamma.assign(gamma)
        norm.beta.assign(beta)

        def value(x, norm=norm):
            return keras.ops.sum(keras.ops.cast(norm(x), at_least) * upstream)

        of_weights = variable_gradients(lambda: value(x), [norm.gamma, norm.beta])
        assert dtype_of(norm(x)) == dtype.removeprefix("mixed_")
        outputs = numbers(keras.ops.cast(norm(x), at_least))
        found.append([outputs, *gradients(value, x), *of_weights])
    tolerance = {"float32": 1e-4, "float64": 1e-12, "mixed_bfloat16": 0.15}[dtype]
    for our, their in zip(*found, strict=True):
        np.testing.assert_allclose(our, their, rtol=0, atol=tolerance)
        assert np.abs(their).max() > 0.5


def test_batch_statistics_are_those_of_real_tokens():
    found = numbers(normalize(made("batch"), X, padding_mask=IS_TOKEN, training=True))
    expected = standardized(X[IS_TOKEN].astype("float64"), 0)
    np.testing.assert_allclose(found[IS_TOKEN], expected, atol=1e-5)


@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_padding_changes_real_tokens_only_in_the_naive_batch_norm(kind):
    other = np.where(IS_TOKEN[..., None], X, 50.0)
    results = [
        numbers(normalize(made(kind), x, padding_mask=IS_TOKEN, training=True))
        for x in (X, other)
    ]
    differ = np.abs(results[0] - results[1])[IS_TOKEN].max() > 1e-4
    assert differ == (kind == "batch_with_padding")


@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_batch_mates_change_a_sentence_only_in_batch_norm(kind):
    alone = normalize(made(kind), X[:1], IS_TOKEN[:1], training=True)
    together = normalize(made(kind), X, IS_TOKEN, training=True)
    differ = np.abs(numbers(alone) - numbers(together)[:1]).max() > 1e-4
    assert differ == kind.startswith("batch")


def test_batch_norm_uses_running_statistics_when_it_does_not_train():
    norm = made("batch")
    np.testing.assert_allclose(numbers(normalize(norm, X)), X, rtol=1e-5)
    normalize(norm, X, padding_mask=IS_TOKEN, training=True)
    mean = 0.1 * X[IS_TOKEN].mean(axis=0)
    variance = 0.9 + 0.1 * X[IS_TOKEN].var(axis=0)
    expected = (X - mean) / np.sqrt(variance + 1e-6)
    np.testing.assert_allclose(numbers(normalize(norm, X)), expected, atol=1e-5)


@pytest.mark.parametrize("normalize_first", [False, True])
@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_an_encoder_hands_its_padding_mask_to_every_normalization(
    kind, normalize_first
):
    keras.utils.set_random_seed(9)
    encoder = Encoder(
        num_layers=2,
        d_model=12,
        num_heads=3,
        d_ff=17,
        normalize_first=normalize_first,
        normalization=kind,
    )
    results = [
        numbers(encoder(x, IS_TOKEN[:, None], IS_TOKEN, training=True))[IS_TOKEN]
        for x in (X, np.where(IS_TOKEN[..., None], X, 50.0))
    ]
    assert np.isfinite(results).all()
    differ = np.abs(results[0] - results[1]).max() > 1e-4
    assert differ == (kind == "batch_with_padding")


def test_unknown_kind_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'batch'.*Received: 'instance'"):
        make_normalization("instance", "float32", "norm")
