"""The doctor finds nothing in sound models."""

import keras
import numpy as np
import pytest

from tests.diagnosis.sound_models import LONGEST, MODELS
from tests.models.small_model import INPUTS, make_model
from tf_transformer.diagnosis.doctor import doctor


@pytest.mark.long
@pytest.mark.parametrize(
    "make",
    [*MODELS, *(pytest.param(make, marks=pytest.mark.full) for make in LONGEST)],
    ids=lambda make: make.__name__,
)
def test_nothing_is_found_in_a_sound_model(make):
    model, inputs, arguments = make()
    model(inputs)
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in model.variables]
    report = doctor(model, inputs, **arguments)
    assert report.findings == []
    passed = {result.name for result in report.results if result.status == "passed"}
    assert {"finite", "inference", "influence", "weights"} <= passed
    assert {"batch", "padding", "masked row", "gradients"} <= passed
    if "causal" in arguments:
        assert "causality" in passed
    # the model is as it was
    after = [np.array(keras.ops.convert_to_numpy(v)) for v in model.variables]
    assert all(map(np.array_equal, before, after))
    assert not any("call" in vars(layer) for layer in model._flatten_layers())


@pytest.mark.long
def test_our_models_are_checked_for_causality():
    report = doctor(make_model(num_layers=1), INPUTS)
    assert report.status("causality") == "passed"
