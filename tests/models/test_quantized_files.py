"""A quantized model is saved and loaded unchanged."""

import keras
import numpy as np
import pytest

from tests.models.small_model import INPUTS, make_model, numbers


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Layer .* does not have a .quantize. method")
def test_a_quantized_model_is_loaded_quantized(tmp_path):
    model = make_model()
    before = numbers(model(INPUTS))
    model.quantize("int8")
    expected = numbers(model(INPUTS))
    assert np.abs(expected - before).max() > 1e-3
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(numbers(again(INPUTS)), expected, atol=1e-6)
    dtypes = [str(weight.dtype) for weight in again.weights]
    assert dtypes == [str(weight.dtype) for weight in model.weights]
    assert "int8" in dtypes


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Layer .* does not have a .quantize. method")
def test_a_model_of_four_bits_is_never_loaded_with_other_numbers(tmp_path):
    """Keras does not restore its int4 layers inside a subclassed model."""
    model = make_model()
    model.quantize("int4")
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="could not be loaded"):
        keras.saving.load_model(tmp_path / "model.keras")
