"""A quantized model is saved and loaded unchanged."""

import keras
import numpy as np
import pytest

from tests.models.small_model import INPUTS, make_model, numbers


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Layer .* does not have a .quantize. method")
@pytest.mark.parametrize(
    ("mode", "dtype"),
    [("int8", "float32"), ("int8", "mixed_bfloat16"), ("float8", "float32")],
)
def test_a_quantized_model_is_loaded_quantized(tmp_path, mode, dtype):
    model = make_model(dtype=dtype)
    before = numbers(model(INPUTS))
    model.quantize(mode)
    expected = numbers(model(INPUTS))
    assert np.abs(expected - before).max() > 1e-3 or mode == "float8"
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    again.save(tmp_path / "again.keras")
    again = keras.saving.load_model(tmp_path / "again.keras")
    np.testing.assert_allclose(numbers(again(INPUTS)), expected, atol=1e-6)
    dtypes = [str(weight.dtype) for weight in again.weights]
    assert dtypes == [str(weight.dtype) for weight in model.weights]
    assert "int8" in dtypes or mode == "float8"


@pytest.mark.filterwarnings("ignore:Layer .* does not have a .quantize. method")
def test_a_model_of_four_bits_is_not_saved(tmp_path):
    """Keras would load its int4 layers inside a subclassed model with other numbers."""
    model = make_model()
    model.quantize("int4")
    with pytest.raises(ValueError, match="int8 or float8.*Received: .* with int4"):
        model.save(tmp_path / "model.keras")
    assert not list(tmp_path.iterdir())
