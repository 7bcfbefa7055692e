"""The loss and the schedule of the program against NumPy."""

import keras
import numpy as np
import pytest

from tests.scripts.load_script import load_script

script = load_script("custom_loss_and_schedule")
LABELS = np.array([[4, 2, 6, 0, 0], [1, 3, 0, 0, 0]], "int32")
LOGITS = np.random.default_rng(1).normal(size=(2, 5, 7)).astype("float32")


def by_token(strength):
    p = np.exp(LOGITS.astype("float64"))
    p /= p.sum(axis=-1, keepdims=True)
    entropy = -(p * np.log(p)).sum(axis=-1)
    label_probabilities = np.take_along_axis(p, LABELS[..., None], axis=-1)[..., 0]
    return (-np.log(label_probabilities) - strength * entropy) * (LABELS != 0)


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_loss_is_cross_entropy_minus_entropy_of_the_real_tokens(strength):
    loss = script.ConfidencePenalty(strength)
    expected = by_token(strength)
    assert float(loss(LABELS, LOGITS)) == pytest.approx(expected.sum() / 5, rel=1e-5)
    weights = np.random.default_rng(2).uniform(1, 2, LABELS.shape)
    weighted = float(loss(LABELS, LOGITS, sample_weight=weights))
    mean = (weights * expected).sum() / weights[LABELS != 0].sum()
    assert weighted == pytest.approx(mean, rel=1e-5)


def test_rate_rises_stays_and_falls_and_no_update_is_lost():
    schedule = script.Trapezoid(peak=0.5, total_steps=20)
    rates = np.array([float(schedule(step)) for step in range(21)])
    expected = [0.125, 0.25, 0.375, *[0.5] * 10, *np.arange(7, -1, -1) / 16]
    np.testing.assert_allclose(rates, expected, atol=1e-6)


def test_both_are_restored_from_their_configs():
    loss = script.ConfidencePenalty(0.3, label_smoothing=0.2)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert float(again(LABELS, LOGITS)) == float(loss(LABELS, LOGITS))
    schedule = script.Trapezoid(peak=0.5, total_steps=20)
    again = type(schedule).from_config(schedule.get_config())
    assert float(again(3)) == float(schedule(3))
