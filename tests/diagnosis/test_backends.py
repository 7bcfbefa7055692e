"""The doctor on JAX and PyTorch: faults of several kinds, and a sound model."""

import keras
import pytest

from tests.diagnosis import broken_models, held_out_sound
from tests.diagnosis.test_broken_models import assert_found
from tf_transformer.diagnosis.doctor import doctor

pytestmark = pytest.mark.skipif(
    keras.backend.backend() == "tensorflow", reason="the other files test TensorFlow"
)
BROKEN = (
    broken_models.mixing.scores_divided_by_the_root_of_the_whole_width,
    broken_models.training.gradient_stopped_through_time,
    broken_models.training.weights_behind_a_stopped_gradient,
    broken_models.mixing.dropout_at_inference,
)
SOUND = (held_out_sound.convolutions.state_space,)
CASES = [case for case in broken_models.MODELS if case[0] in BROKEN]


@pytest.mark.parametrize(
    ("make", "check", "layer"), CASES, ids=[make.__name__ for make, _, _ in CASES]
)
def test_fault_is_found(make, check, layer):
    model, inputs, arguments = make()
    assert_found(doctor(model, inputs, **arguments), check, layer)


@pytest.mark.parametrize("make", SOUND, ids=lambda make: make.__name__)
def test_nothing_is_found_in_a_sound_model(make):
    model, inputs, arguments = make()
    report = doctor(model, inputs, **arguments)
    assert report.findings == []
    for check in ("batch", "finite", "inference", "influence", "weights", "gradients"):
        assert report.status(check) == "passed", str(report)
    assert "raises" not in str(report)
