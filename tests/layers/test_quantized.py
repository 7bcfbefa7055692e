"""Quantized layers in a functional model are saved and loaded unchanged."""

import keras
import numpy as np
import pytest

from tests.models.small_model import numbers
from tf_transformer import layers

pytestmark = pytest.mark.filterwarnings(
    "ignore:Layer .* does not have a .quantize. method"
)


def functional_model(dtype="float32"):
    sizes = {"d_model": 12, "num_heads": 3, "d_ff": 17, "dtype": dtype}
    ids = keras.Input((7,), dtype="int32")
    x = layers.TokenEmbedding(vocab_size=23, d_model=12, dtype=dtype)(ids)
    x = layers.EncoderBlock(**sizes)(x)
    x = layers.SSRUDecoder(num_layers=1, **sizes)(x, x)
    return keras.Model(ids, keras.layers.Dense(5, dtype=dtype)(x))


IDS = np.arange(14).reshape(2, 7)


@pytest.mark.long
@pytest.mark.parametrize(
    ("mode", "dtype"),
    [("int8", "float32"), ("int8", "mixed_bfloat16"), ("float8", "float32")],
)
def test_a_functional_model_is_loaded_quantized(tmp_path, mode, dtype):
    model = functional_model(dtype)
    model.quantize(mode)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    again.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numbers(again(IDS)), numbers(model(IDS)))
    dtypes, expected = (
        {weight.path: weight.dtype for weight in m.weights} for m in (again, model)
    )
    assert dtypes == expected
    assert len(model.weights) > len(functional_model().weights)


def test_a_functional_model_of_four_bits_is_not_saved(tmp_path):
    model = functional_model()
    model.quantize("int4")
    with pytest.raises(ValueError, match="int8 or float8.*Received: .* with int4"):
        model.save(tmp_path / "model.keras")


@pytest.mark.long
def test_a_clone_and_a_sequential_model_are_quantized(tmp_path):
    x = np.random.default_rng(5).normal(size=(2, 7, 12)).astype("float32")
    block = layers.EncoderBlock(d_model=12, num_heads=3, d_ff=17)
    model = keras.Sequential([keras.Input((7, 12)), block, keras.layers.Dense(5)])
    model.quantize("int8")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numbers(again(x)), numbers(model(x)))
    clone = keras.models.clone_model(again)
    clone.set_weights(again.get_weights())
    np.testing.assert_array_equal(numbers(clone(x)), numbers(model(x)))
    clone.save_weights(tmp_path / "model.weights.h5")
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(numbers(again(x)), numbers(model(x)))
