"""The matrix of a quantized or adapted layer is what the layer multiplies by."""

import keras
import numpy as np
import pytest

from tf_transformer.export.float_weights import float_matrix

CHANGES = ["nothing", "LoRA", "int8", "int8 and LoRA"]


def change(layer, how, weight="kernel"):
    """Quantizes a layer, and adds LoRA of rank 2 with alpha 5."""
    if "int8" in how:
        layer.quantize("int8")
    if "LoRA" in how:
        layer.enable_lora(2, lora_alpha=5)
        random = np.random.default_rng(8)
        for part in "ab":
            factor = getattr(layer, f"lora_{weight}_{part}")
            factor.assign(random.normal(size=factor.shape))


@pytest.mark.parametrize("how", CHANGES)
def test_a_dense_layer_multiplies_by_its_matrix(how):
    layer = keras.layers.Dense(7, use_bias=False)
    layer.build((None, 4))
    # outputs of different sizes have different scales
    sizes = 10.0 ** np.arange(-3, 4)
    layer.kernel.assign(np.random.default_rng(3).normal(size=(4, 7)) * sizes)
    change(layer, how)
    found = float_matrix(layer, "kernel")
    assert (found.dtype, found.shape) == (np.float32, (4, 7))
    # rows of the identity are not changed by the quantization of activations
    expected = keras.ops.convert_to_numpy(layer(np.eye(4, dtype="float32")))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("how", CHANGES[:3])
def test_an_embedding_has_the_rows_of_its_matrix(how):
    layer = keras.layers.Embedding(5, 6)
    layer.build()
    sizes = 10.0 ** np.arange(-2, 3)[:, None]
    layer.embeddings.assign(np.random.default_rng(4).normal(size=(5, 6)) * sizes)
    change(layer, how, "embeddings")
    found = float_matrix(layer, "embeddings")
    expected = keras.ops.convert_to_numpy(layer(np.arange(5)))
    assert (found.dtype, found.shape) == (np.float32, (5, 6))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_what_is_not_one_matrix_is_refused():
    layer = keras.layers.Embedding(5, 6)
    layer.build()
    change(layer, "int8 and LoRA", "embeddings")
    with pytest.raises(ValueError, match="LoRA or quantization. Received: both in "):
        float_matrix(layer, "embeddings")
    packed = keras.layers.Dense(7)
    packed.build((None, 4))
    packed.quantize("int4")
    with pytest.raises(ValueError, match="float weights or int8. Received: int4 in "):
        float_matrix(packed, "kernel")
