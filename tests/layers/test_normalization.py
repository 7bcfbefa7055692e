"""Layer normalization against Keras' own, by hand, and in blocks."""

import keras
import numpy as np
import pytest

from tests.backend import dtype_of, gradients, variable_gradients
from tests.layer_contract import assert_layer_contract
from tf_transformer.layers import Encoder, LayerNormalization

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(loc=0.7, scale=1.9, size=(2, 7, 12)).astype("float32")


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_keeps_the_layer_contract():
    assert_layer_contract(
        LayerNormalization, {}, {"inputs": (2, 7, 12)}, (2, 7, 12), num_weights=2
    )


def test_equals_its_formula():
    x = X.astype("float64")
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 1e-6)
    np.testing.assert_allclose(numbers(LayerNormalization()(X)), expected, atol=1e-5)


def test_epsilon_is_one_millionth_under_the_square_root():
    """A difference of 0.002 distinguishes epsilon 1e-6 from Keras' default 1e-3."""
    output = numbers(LayerNormalization()(np.array([[[0.001, -0.001]]], "float32")))
    expected = 0.001 / np.sqrt(1e-6 + 1e-6)
    np.testing.assert_allclose(output[0, 0], [expected, -expected], rtol=1e-5)


@pytest.mark.needs_tensorflow  # elsewhere it is Keras' own
@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_bfloat16"])
def test_layer_norm_and_its_gradients_are_those_of_keras(dtype):
    gamma, beta = RANDOM.normal(size=(2, 12)).astype("float32")
    at_least = "float64" if dtype == "float64" else "float32"
    x, upstream = X.astype(at_least), RANDOM.normal(size=X.shape).astype(at_least)
    ours, theirs = (
        LayerNormalization(dtype=dtype),
        keras.layers.LayerNormalization(epsilon=1e-6, dtype=dtype),
    )
    found = []
    for norm in (ours, theirs):
        norm.build(X.shape)
        norm.gamma.assign(gamma)
        norm.beta.assign(beta)

        def value(x, norm=norm):
            return keras.ops.sum(keras.ops.cast(norm(x), at_least) * upstream)

        weight_gradients = variable_gradients(
            lambda value=value: value(x), [norm.gamma, norm.beta]
        )
        assert dtype_of(norm(x)) == dtype.removeprefix("mixed_")
        outputs = numbers(keras.ops.cast(norm(x), at_least))
        found.append([outputs, *gradients(value, x), *weight_gradients])
    tolerance = {"float32": 1e-4, "float64": 1e-12, "mixed_bfloat16": 0.15}[dtype]
    for our, their in zip(*found, strict=True):
        np.testing.assert_allclose(our, their, rtol=0, atol=tolerance)
        assert np.abs(their).max() > 0.5


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_is_normalized_in_float32(dtype):
    x = 256.0 + 2 * np.arange(12)  # exact in bfloat16; their mean, 267, is not
    found = LayerNormalization(dtype=dtype)(x[None].astype("float32"))
    found = numbers(keras.ops.cast(found, "float32"))[0]
    expected = (x - x.mean()) / x.std()
    np.testing.assert_allclose(found, expected, atol=0.01)


@pytest.mark.parametrize(
    "options", [{"center": False}, {"scale": False}, {"axis": [1, 2]}]
)
def test_options_of_keras_give_the_same_numbers(options):
    theirs = keras.layers.LayerNormalization(epsilon=1e-6, **options)
    found = LayerNormalization(**options)(X)
    np.testing.assert_allclose(numbers(found), numbers(theirs(X)), atol=1e-5)


@pytest.mark.parametrize("normalize_first", [False, True])
def test_a_block_normalizes_with_the_layer_that_was_passed(normalize_first):
    encoder = Encoder(
        num_layers=2,
        d_model=12,
        num_heads=3,
        d_ff=17,
        normalize_first=normalize_first,
        norm=keras.layers.RMSNormalization,
    )
    rows = numbers(encoder(X))
    np.testing.assert_allclose(np.sqrt((rows**2).mean(-1)), 1.0, atol=1e-4)
    assert np.abs(rows.mean(-1)).max() > 0.05  # LayerNorm would subtract the mean
    # one scale for each normalization, no shift
    names = [weight.path.rpartition("/")[2] for weight in encoder.weights]
    assert names.count("scale") == 2 * 2 + normalize_first
    assert "beta" not in names
