"""Errors of a divided model; `tests/runs/test_jax_devices.py` tests the division."""

import pytest

from tf_transformer.models.model_parallel import TransformerParallel


@pytest.mark.parametrize("model_devices", [0, 2, 5])
def test_a_copy_is_on_a_divisor_of_the_devices(model_devices):
    devices = ["cpu:0", "cpu:1", "cpu:2"]
    with pytest.raises(ValueError, match=f"divisor of 3. Received: .*={model_devices}"):
        TransformerParallel(devices, model_devices)
