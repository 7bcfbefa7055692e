"""The loss and the learning rates that the settings of a run give."""

from types import SimpleNamespace

import pytest

from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.training import compile_model


def compiled_schedule(total_steps, **settings):
    found = {}
    model = SimpleNamespace(d_model=512, compile=lambda **kw: found.update(kw))
    compile_model(TrainingConfig(**settings).resolved(), model, total_steps)
    return found["optimizer"]._learning_rate


def test_a_shorter_warm_up_has_the_peak_of_the_configured_one():
    schedule = compiled_schedule(40, preset="base")
    assert schedule.warmup_steps == 10
    assert schedule.peak == pytest.approx((512 * 4000) ** -0.5)


@pytest.mark.parametrize("decay", ["inverse_sqrt", "linear", "cosine"])
def test_the_schedule_has_the_decay_of_the_run(decay):
    schedule = compiled_schedule(40, decay=decay)
    assert (schedule.decay, schedule.total_steps) == (decay, 40)


def test_without_cooldown_the_rate_does_not_end_at_zero():
    assert compiled_schedule(40, cooldown=False).total_steps is None


def test_labels_are_smoothed_as_in_the_paper_by_default():
    assert TrainingConfig().label_smoothing == 0.1
