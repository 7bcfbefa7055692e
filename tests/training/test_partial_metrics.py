"""Metrics of an unfinished epoch are saved and restored, on every backend."""

import keras
import numpy as np
import pytest

from tf_transformer.training.updates import PartialMetrics


@pytest.fixture
def model():
    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile(loss="mse", metrics=["mae"])
    random = np.random.default_rng(3)
    x, y = random.standard_normal((2, 7, 2))
    model.fit(x, y, batch_size=3, verbose=0)
    return model


def partial_metrics(model, restored=None):
    partial = PartialMetrics()
    partial.set_model(model)
    assert partial.state() is None  # between epochs
    partial.restore(restored)
    partial.on_epoch_begin(0)
    return partial


@pytest.mark.moderate
def test_the_sums_of_an_unfinished_epoch_return(model):
    saved = partial_metrics(model).state()
    shown = model.get_metrics_result()
    assert len(saved) == 4 and saved.count(7.0) == 2  # sums and counts of 7 examples
    model.reset_metrics()
    assert partial_metrics(model).state() == [0.0] * 4
    assert partial_metrics(model, saved).state() == saved
    assert {
        k: float(v) for k, v in model.get_metrics_result().items()
    } == pytest.approx({k: float(v) for k, v in shown.items()})


@pytest.mark.moderate
def test_sums_of_several_replicas_are_added_on_one_device(model):
    halves = [[1.5, 2.25], [3.0, 4.0], [0.5, 0.25], [3.0, 4.0]]
    assert partial_metrics(model, halves).state() == [3.75, 7.0, 0.75, 7.0]
