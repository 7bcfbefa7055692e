"""The learning rate is the paper's, and counts updates from 1."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests import reference
from tests.models.small_model import make_model
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.schedules import TransformerSchedule

VECTORS = json.loads((Path(__file__).parents[1] / "vectors.json").read_text())
PUBLISHED = VECTORS["inverse_sqrt_schedule"]["rate_by_update"].items()


def rates(schedule, num_updates):
    return np.array([float(schedule(step)) for step in range(num_updates)])


def sum_model(optimizer):
    """One weight w from 0, its loss is w: the gradient is 1 at every step."""
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, name="dense")]
    )
    model.compile(optimizer, loss=lambda y, prediction: ops.mean(prediction))
    model.set_weights([np.zeros((1, 1))])
    return model


class Watch(keras.callbacks.Callback):
    """The rate before each micro-step, and the weight after it."""

    def __init__(self):
        super().__init__()
        self.rates, self.weights = [], [0.0]

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(self.model.get_weights()[0].item())


def watched(schedule, num_micro_steps, steps=None):
    model = sum_model(keras.optimizers.SGD(schedule, gradient_accumulation_steps=steps))
    watch, ones = Watch(), np.ones((num_micro_steps, 1))
    model.fit(ones, ones, batch_size=1, verbose=0, callbacks=[watch])
    assert len(watch.rates) == num_micro_steps
    return watch


@pytest.mark.parametrize("update, rate", [(int(n), rate) for n, rate in PUBLISHED])
def test_equals_the_published_rates(update, rate):
    schedule = TransformerSchedule(d_model=512, warmup_steps=4000)
    assert float(schedule(update - 1)) == pytest.approx(rate, rel=1e-6)


def test_equals_the_paper():
    found = rates(TransformerSchedule(d_model=24, warmup_steps=7), 30)
    expected = [reference.learning_rate(update, 24, 7) for update in range(1, 31)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("warmup_steps", [1, 7, 12])
def test_is_highest_at_the_end_of_warmup(warmup_steps):
    found = rates(TransformerSchedule(d_model=24, warmup_steps=warmup_steps), 30)
    assert found.argmax() + 1 == warmup_steps
    assert found.max() == pytest.approx((24 * warmup_steps) ** -0.5, rel=1e-6)


def test_every_update_moves_by_its_rate_from_the_first_on():
    schedule = TransformerSchedule(d_model=24, warmup_steps=3)
    watch = watched(schedule, num_micro_steps=6)
    expected = [reference.learning_rate(update, 24, 3) for update in range(1, 7)]
    assert expected[0] > 0.03
    np.testing.assert_allclose(-np.diff(watch.weights), expected, rtol=1e-4)


def test_accumulated_micro_steps_share_the_rate_of_their_update():
    schedule = TransformerSchedule(24, 3, gradient_accumulation_steps=4)
    watch = watched(schedule, num_micro_steps=20, steps=4)
    expected = rates(TransformerSchedule(24, 3), 5)
    assert len(set(expected)) == 5
    np.testing.assert_allclose(watch.rates, np.repeat(expected, 4), rtol=1e-6)
    moves = -np.diff(watch.weights).reshape(5, 4)
    assert not moves[:, :3].any()
    np.testing.assert_allclose(moves[:, 3], expected, rtol=1e-4)


def test_total_steps_cools_the_last_third_down_to_almost_nothing():
    plain = rates(TransformerSchedule(24, 4), 33)
    cooled = rates(TransformerSchedule(24, 4, total_steps=30), 33)
    np.testing.assert_allclose(cooled[:21], plain[:21], rtol=1e-6)
    shares = cooled[21:30] / plain[21:30]
    np.testing.assert_allclose(shares, np.arange(9, 0, -1) / 10, rtol=1e-5)
    assert not cooled[30:].any()


def test_total_steps_count_updates_not_micro_steps():
    once = rates(TransformerSchedule(24, 2, total_steps=6), 6)
    schedule = TransformerSchedule(24, 2, total_steps=6, gradient_accumulation_steps=3)
    np.testing.assert_array_equal(rates(schedule, 18), np.repeat(once, 3))


def test_peak_is_the_highest_rate_and_keeps_the_shape():
    plain, found = (
        rates(TransformerSchedule(24, 5, peak=peak), 20) for peak in (None, 0.03)
    )
    assert found.max() == found[4] == pytest.approx(0.03, rel=1e-6)
    np.testing.assert_allclose(found / plain, found[0] / plain[0], rtol=1e-5)


@pytest.mark.parametrize("decay", ["linear", "cosine"])
def test_the_peak_of_other_decays_is_the_papers_by_default(decay):
    found = rates(TransformerSchedule(24, 5, total_steps=20, decay=decay), 20)
    assert found.argmax() == 4
    assert found.max() == pytest.approx((24 * 5) ** -0.5, rel=1e-6)


ARGUMENTS = {
    "decay": "inverse_sqrt",
    "d_model": 24,
    "warmup_steps": 5,
    "gradient_accumulation_steps": 3,
    "peak": 0.02,
    "total_steps": 17,
}


def test_config_makes_the_same_schedule():
    schedule = TransformerSchedule(**ARGUMENTS)
    assert schedule.get_config() == ARGUMENTS
    schedules = keras.optimizers.schedules
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is TransformerSchedule
    assert again.get_config() == ARGUMENTS


@pytest.mark.moderate
def test_a_saved_model_continues_its_schedule(tmp_path):
    schedule = TransformerSchedule(24, 3)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(schedule, beta_2=0.98), loss="mse")
    ones = np.ones((4, 1))
    model.fit(ones, ones, batch_size=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    optimizer = again.optimizer
    assert type(optimizer._learning_rate) is TransformerSchedule
    fifth = reference.learning_rate(5, 24, 3)
    assert float(optimizer.learning_rate) == pytest.approx(fifth, rel=1e-6)
    for one in (model, again):
        one.fit(ones, ones, batch_size=1, verbose=0, shuffle=False)
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"d_model": 0}, "d_model must be at least 1.*d_model=0"),
        ({"warmup_steps": 0}, "warmup_steps must be at least 1.*warmup_steps=0"),
        ({"gradient_accumulation_steps": -1}, "gradient_accumulation_steps=-1"),
        ({"total_steps": 4}, "total_steps=4, warmup_steps=5"),
        ({"peak": 0.0, "decay": "linear"}, "peak must be above 0.*peak=0.0"),
    ],
)
def test_refuses_impossible_arguments(changes, message):
    with pytest.raises(ValueError, match=message):
        TransformerSchedule(**{**ARGUMENTS, **changes})


@pytest.mark.parametrize(("ours", "keras_steps"), [(1, 4), (3, None), (2, 3)])
def test_schedule_and_optimizer_must_count_the_same_updates(ours, keras_steps):
    model = make_model()
    schedule = TransformerSchedule(12, gradient_accumulation_steps=ours)
    optimizer = keras.optimizers.Adam(schedule, gradient_accumulation_steps=keras_steps)
    with pytest.raises(ValueError, match=f"Expected.*={keras_steps or 1} in both"):
        model.compile(optimizer=optimizer, loss=MaskedCrossEntropy())
