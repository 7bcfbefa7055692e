"""Averages equal NumPy's, and scoring them does not affect training."""

import keras
import numpy as np
import pytest

from tests.training.small_runs import (
    arrays,
    compiled,
    differences,
    fit,
    shuffled,
    to_the_bit,
)
from tests.training.small_training import PAIRS, NumberTokenizer
from tf_transformer.data.batching import Batches
from tf_transformer.data.datasets import as_keras_dataset
from tf_transformer.training.averaging import (
    ScoreAverages,
    average_checkpoints,
    swap_averages,
)
from tf_transformer.training.callbacks import KeepBest
from tf_transformer.training.checkpointing import SaveCheckpoint
from tf_transformer.training.checkpoints import restore_checkpoint

pytestmark = pytest.mark.slow
MOMENTUM = 0.8
EMA = {"use_ema": True, "ema_momentum": MOMENTUM}
# Keras, of files without the optimizer's state
weights_alone_are_read = pytest.mark.filterwarnings("ignore:Skipping variable loading")


class KeepWeights(keras.callbacks.Callback):
    """Keeps the weights after each update and, called last, after each epoch."""

    def __init__(self):
        super().__init__()
        self.after_updates, self.after_epochs = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.after_updates.append(self.model.get_weights())

    def on_epoch_end(self, epoch, logs=None):
        self.after_epochs.append(self.model.get_weights())


def validation():
    """All pairs in one batch."""
    return as_keras_dataset(Batches(PAIRS, NumberTokenizer(), batch_tokens=150))


def moving_averages(after_updates):
    """The averages after each update: a, then m a + (1 - m) w."""
    average = [np.float64(weight) for weight in after_updates[0]]
    result = [average]
    for weights in after_updates[1:]:
        average = [
            MOMENTUM * old + (1 - MOMENTUM) * weight
            for old, weight in zip(average, weights, strict=True)
        ]
        result.append(average)
    return result


def assert_near(found, expected, atol=1e-6):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=atol)


def scored(folder, first, last, model):
    """A training with validation whose epochs are scored on averages."""
    averages, kept = ScoreAverages(), KeepWeights()
    keep_best = KeepBest(folder / "best.weights.h5", "val_nll")
    callbacks = [
        *(averages, keep_best, averages.back()),
        *(SaveCheckpoint(folder, {"best": keep_best}, num_kept=9), kept),
    ]
    arguments = {"validation_data": validation(), "callbacks": callbacks}
    return fit(model, shuffled(epoch=first), first, last, **arguments), kept


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """3 epochs with moving averages: folder, history, what was written down."""
    folder = tmp_path_factory.mktemp("run")
    return folder, *scored(folder, 0, 3, compiled(**EMA))


def checkpoints(run):
    return sorted(run[0].glob("epoch-*.npz"))


@weights_alone_are_read
def test_moving_averages_are_the_recurrence_and_are_what_is_scored(run):
    folder, history, kept = run
    averages = moving_averages(kept.after_updates)
    per_epoch = len(shuffled())
    model = compiled(seed=3)
    for epoch in range(3):
        expected = averages[(epoch + 1) * per_epoch - 1]
        model.set_weights(expected)
        scores = model.evaluate(validation(), return_dict=True, verbose=0)
        assert history["val_nll"][epoch] == pytest.approx(scores["nll"], rel=1e-5)
    best = int(np.argmin(history["val_nll"]))
    model.load_weights(folder / "best.weights.h5")
    assert_near(model.get_weights(), averages[(best + 1) * per_epoch - 1])
    moved = zip(model.get_weights(), kept.after_epochs[best], strict=True)
    assert max(np.abs(one - other).max() for one, other in moved) > 1e-3


@to_the_bit
def test_training_continues_as_without_averages(run):
    _, history, kept = run
    model, plain = compiled(), KeepWeights()
    plain_history = fit(model, shuffled(), 0, 3, callbacks=[plain])
    assert history["loss"] == plain_history["loss"]
    for found, expected in zip(kept.after_epochs, plain.after_epochs, strict=True):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


@to_the_bit
def test_interrupted_training_with_averages_resumes_bit_for_bit(run, tmp_path):
    folder, history, _ = run
    model = compiled(seed=2, **EMA)
    state = restore_checkpoint(folder / "epoch-0002.npz", model)
    later, _ = scored(tmp_path, state["epoch"], 3, model)
    assert later == {name: values[2:] for name, values in history.items()}
    models = [compiled(seed=seed, **EMA) for seed in (4, 5)]
    for path, other in zip((folder, tmp_path), models, strict=True):
        restore_checkpoint(path / "epoch-0003.npz", other)
    assert differences(*map(arrays, models)) == []


def test_checkpoints_hold_weights_and_averages(run):
    folder, _, kept = run
    model = compiled(seed=3, **EMA)
    restore_checkpoint(folder / "epoch-0002.npz", model)
    for one, other in zip(model.get_weights(), kept.after_epochs[1], strict=True):
        np.testing.assert_array_equal(one, other)
    swap_averages(model)
    expected = moving_averages(kept.after_updates)[2 * len(shuffled()) - 1]
    assert_near(model.get_weights(), expected)


@weights_alone_are_read
def test_keras_own_callback_works_with_ours(tmp_path):
    keep_best = KeepBest(tmp_path / "best.weights.h5", "val_nll")
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    kept, model = KeepWeights(), compiled(**EMA)
    arguments = {"validation_data": validation()}
    arguments["callbacks"] = [swap, keep_best, kept]
    history = fit(model, shuffled(), 0, 2, **arguments)
    averages = moving_averages(kept.after_updates)
    assert np.argmin(history["val_nll"]) == keep_best.best_epoch == 1
    assert_near(kept.after_epochs[1], averages[-1], atol=1e-5)
    model.load_weights(tmp_path / "best.weights.h5")
    assert_near(model.get_weights(), averages[-1], atol=1e-5)


def test_the_average_of_checkpoints_is_the_mean_of_their_weights(run):
    model = compiled(seed=3)
    others = {v.path: np.array(v) for v in model.variables if "seed" in v.path}
    average_checkpoints(checkpoints(run)[-2:], model)
    expected = [np.mean(w, axis=0) for w in zip(*run[2].after_epochs[1:], strict=True)]
    assert_near(model.get_weights(), expected, atol=1e-7)
    found = arrays(model)
    assert others
    assert all(np.array_equal(found[path], others[path]) for path in others)
    assert int(model.optimizer.iterations) == 0


def test_the_average_of_one_checkpoint_is_itself(run):
    model = compiled(seed=3)
    average_checkpoints(iter(checkpoints(run)[1:2]), model)
    for one, other in zip(model.get_weights(), run[2].after_epochs[1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_refuses_to_average_nothing_or_another_model(run):
    model = compiled(d_ff=18)
    before = model.get_weights()
    with pytest.raises(ValueError, match="belongs to another model.*17"):
        average_checkpoints(checkpoints(run), model)
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="at least one checkpoint.*none"):
        average_checkpoints([], model)


def test_averages_that_do_not_exist_are_an_error():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match=r"Received: Adam\(use_ema=False\)"):
        model.fit(np.ones((4, 3)), np.ones(4), callbacks=[ScoreAverages()], verbose=0)


def test_only_checkpoints_are_averaged():
    with pytest.raises(ValueError, match="Received: best.weights.h5"):
        average_checkpoints(["best.weights.h5"], model=None)
