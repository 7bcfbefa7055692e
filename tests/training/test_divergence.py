"""A training that diverges stops at once and keeps good checkpoints."""

import json
import math

import keras
import numpy as np
import pytest

from tf_transformer.training.callbacks import JsonLog, KeepBest
from tf_transformer.training.checkpointing import SaveCheckpoint, SaveWithinEpochs
from tf_transformer.training.divergence import DivergenceCheck, TrainingDiverged
from tf_transformer.training.termination import Termination


def linear_model():
    """w x, w = 1, by gradient descent with rate 1."""
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    return model


# on 0, 0, 0, 0 nothing moves; the third batch of the second epoch is infinite
GOOD = np.zeros((4, 1), "float32")
BAD = np.array([[0], [0], [np.inf], [0]], "float32")


def run(model, rows, epochs, callbacks=(), **arguments):
    return model.fit(
        rows,
        rows,
        batch_size=1,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[DivergenceCheck(), *callbacks],
        **arguments,
    )


def test_names_the_update_and_saves_nothing_of_the_epoch(tmp_path):
    model = linear_model()
    keep_best = KeepBest(tmp_path / "best.weights.h5", "loss")
    callbacks = [keep_best, SaveCheckpoint(tmp_path, {"best": keep_best})]
    run(model, GOOD, 1, callbacks)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {"best.weights.h5", "epoch-0001.npz"}
    with pytest.raises(TrainingDiverged, match=r"at update 7\..*Received: loss=nan"):
        run(model, BAD, 2, callbacks, initial_epoch=1)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def model_that_loses_its_weights():
    """The loss of the first update is finite; its step makes the weight infinite."""
    model = linear_model()
    model.layers[0].kernel.assign([[3e19]])
    model.compile(keras.optimizers.SGD(1e30), lambda y, x: keras.ops.sum(x) * 1e-10)
    return model


def test_weights_lost_by_the_last_update_are_noticed_at_the_end_of_the_epoch():
    rows = np.full((1, 1), 1e19, "float32")
    with pytest.raises(TrainingDiverged, match="update 1.*non-finite values in .*kern"):
        run(model_that_loses_its_weights(), rows, 1)


class FirstOfTwoUpdates:
    """The place in the data after the first update of an epoch of two."""

    updates, is_between, is_epoch_end = 1, True, False


def test_weights_lost_within_an_epoch_are_not_saved(tmp_path):
    save = SaveWithinEpochs(
        *(tmp_path, {}),
        counter=FirstOfTwoUpdates(),
        every=1,
        termination=Termination(),
        on_saved=lambda: None,
    )
    rows = np.full((2, 1), 1e19, "float32")
    with pytest.raises(TrainingDiverged, match="update 1.*non-finite values in .*kern"):
        run(model_that_loses_its_weights(), rows, 1, [save])
    assert list(tmp_path.iterdir()) == []


def test_validation_loss_is_checked():
    model = linear_model()
    with pytest.raises(TrainingDiverged, match="val_loss="):
        run(model, GOOD, 1, validation_data=(BAD, BAD))


def test_a_finite_training_continues_even_if_perplexity_overflows():
    assert len(run(linear_model(), GOOD, 3).epoch) == 3
    check = DivergenceCheck()
    check.on_train_batch_end(0, {"loss": 99.0, "perplexity": math.inf})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("monitor", ["bleu", "val_nll"])
def test_values_that_are_not_finite_are_never_best(tmp_path, monitor, value):
    keep_best = KeepBest(tmp_path / "best.weights.h5", monitor)
    model = linear_model()
    keep_best.set_model(model)
    assert not keep_best.keep_if_better(0, {monitor: value})
    assert keep_best.state() == {"best": None, "best_epoch": None}
    assert list(tmp_path.iterdir()) == []
    assert keep_best.keep_if_better(1, {monitor: 7.0})
    assert not keep_best.keep_if_better(2, {monitor: value})
    assert keep_best.state() == {"best": 7.0, "best_epoch": 1}


def test_log_is_json_whatever_the_values_are(tmp_path):
    log = JsonLog(tmp_path / "log.jsonl")
    log.set_model(linear_model())
    log.on_epoch_begin(0)
    log.on_epoch_end(0, {"loss": math.nan, "perplexity": math.inf, "accuracy": 0.5})

    def refuse(constant):
        raise AssertionError(constant)

    text = (tmp_path / "log.jsonl").read_text()
    line = json.loads(text, parse_constant=refuse)
    assert (line["loss"], line["perplexity"], line["accuracy"]) == (None, None, 0.5)


def test_metrics_with_several_values_are_checked_and_logged(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "softmax")])
    model.compile("sgd", "mse", metrics=[keras.metrics.F1Score()])
    log = JsonLog(tmp_path / "log.jsonl")
    x, y = np.ones((4, 3), "float32"), np.eye(2, dtype="float32")[[0, 1, 0, 1]]
    model.fit(x, y, callbacks=[DivergenceCheck(), log], verbose=0)
    line = json.loads((tmp_path / "log.jsonl").read_text())
    assert len(line["f1_score"]) == 2
    with pytest.raises(TrainingDiverged, match="f1_score"):
        check = DivergenceCheck()
        check.set_model(model)
        check.on_epoch_end(0, {"f1_score": np.array([0.5, np.nan])})
