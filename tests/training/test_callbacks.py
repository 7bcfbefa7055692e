"""Callbacks: the best epoch is kept, and training stops without improvement."""

import json
import math

import keras
import numpy as np
import pytest

from tf_transformer.training.callbacks import (
    JsonLog,
    KeepBest,
    TranslationQuality,
)
from tf_transformer.training.checkpointing import SaveCheckpoint


def make_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.compile("adam", "mse")
    return model


def run_epochs(keep_best, values, first=0):
    """Feeds one value per epoch until training stops; returns the epochs run."""
    model = make_model()
    keep_best.set_model(model)
    model.stop_training = False
    for epoch, value in enumerate(values, start=first):
        model.layers[0].bias.assign([epoch, 0, 0])
        keep_best.on_epoch_end(epoch, {keep_best.monitor: value})
        if model.stop_training:
            return epoch + 1
    return first + len(values)


def test_highest_bleu_is_best_and_patience_ends_the_run(tmp_path):
    path = tmp_path / "best.weights.h5"
    keep_best = KeepBest(path, "bleu", patience=2)
    assert run_epochs(keep_best, [3.0, 9.0, 8.0, 8.5, 99.0]) == 4
    assert keep_best.state() == {"best": 9.0, "best_epoch": 1}
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.load_weights(path)
    assert model.layers[0].bias[0] == 1
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_lowest_nll_is_best(tmp_path):
    keep_best = KeepBest(tmp_path / "best.weights.h5", "val_nll", patience=None)
    assert run_epochs(keep_best, [3.0, 1.0, 2.0, 1.5]) == 4
    assert keep_best.state() == {"best": 1.0, "best_epoch": 1}


@pytest.mark.parametrize(
    ("monitor", "mode", "is_high"),
    [
        ("chrf", "auto", True),
        ("accuracy", "auto", True),
        ("val_accuracy", "auto", True),
        ("val_auc", "auto", True),
        ("val_f1_score", "max", True),
        ("word_accuracy_gap", "auto", False),
        ("bleu", "min", False),
    ],
)
def test_mode_says_which_value_is_best(tmp_path, monitor, mode, is_high):
    keep_best = KeepBest(tmp_path / "best.weights.h5", monitor, mode=mode)
    keep_best.restore({"best": 0.5, "best_epoch": 3})
    assert keep_best.improves(0.6) == is_high
    assert keep_best.improves(0.4) != is_high


def test_another_mode_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: mode='highest'"):
        KeepBest(tmp_path / "best.weights.h5", "loss", mode="highest")


def test_patience_counts_on_after_a_restart(tmp_path):
    whole = KeepBest(tmp_path / "a.weights.h5", "bleu", patience=3)
    values = [5.0, 4.0, 3.0, 2.0, 1.0]
    stopped_after = run_epochs(whole, values)
    first = KeepBest(tmp_path / "b.weights.h5", "bleu", patience=3)
    run_epochs(first, values[:2])
    second = KeepBest(tmp_path / "b.weights.h5", "bleu", patience=3)
    second.restore(first.state())
    assert run_epochs(second, values[2:], first=2) == stopped_after == 4
    assert second.state() == whole.state()
    assert second.exhausted(3)
    assert not second.exhausted(2)


def test_patience_starts_again_in_another_fit(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss="mse")
    keep_best = KeepBest(tmp_path / "best.weights.h5", "loss", patience=2)
    keep_best.restore({"best": -1.0, "best_epoch": 5})  # of an earlier fit
    data = np.ones((4, 3)), np.ones(4)
    history = model.fit(*data, epochs=9, callbacks=[keep_best], verbose=0)
    assert history.epoch == [0, 1]
    assert keep_best.state() == {"best": -1.0, "best_epoch": 5}


def test_any_number_is_better_than_nan(tmp_path):
    keep_best = KeepBest(tmp_path / "best.weights.h5", "val_nll", patience=9)
    run_epochs(keep_best, [math.nan, 7.0, 8.0])
    assert keep_best.state() == {"best": 7.0, "best_epoch": 1}


def test_nan_in_the_state_of_an_earlier_version_is_improved(tmp_path):
    keep_best = KeepBest(tmp_path / "best.weights.h5", "val_nll")
    keep_best.restore({"best": math.nan, "best_epoch": 0})
    assert keep_best.improves(7.0)


def test_missing_figure_is_named(tmp_path):
    keep_best = KeepBest(tmp_path / "best.weights.h5", "bleu")
    with pytest.raises(ValueError, match="no 'bleu'.*Expected one of .*loss"):
        keep_best.on_epoch_end(0, {"loss": 1.0})


def test_scores_reach_the_callbacks_that_follow(capsys):
    pairs = [("a b c d e", "A B C D E"), ("f g h i", "F G H I")]
    callback = TranslationQuality(lambda texts: [t.upper() for t in texts], iter(pairs))
    logs = {"loss": 1.0}
    callback.on_epoch_end(0, logs)
    assert logs == {"loss": 1.0, "bleu": 100.0, "chrf": 100.0}
    assert callback.signatures["bleu"].startswith("nrefs:1|")
    assert callback.samples[1] == ("f g h i", "F G H I", "F G H I")
    assert "F G H I" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"Expected \(source, target\)"):
        TranslationQuality(callback.translate, [{"source": "a", "target": "b"}])


def test_short_translations_are_scored_against_longer_references():
    pairs = [("a", "one two three four five six")]
    callback = TranslationQuality(lambda texts: ["one two three four"], pairs)
    logs = {}
    callback.on_epoch_end(0, logs)
    # all n-grams are right; 4 words instead of 6
    assert logs["bleu"] == pytest.approx(100 * math.exp(1 - 6 / 4), abs=0.01)


def test_scores_are_those_of_the_chosen_tokenizer():
    callback = TranslationQuality(lambda texts: ["abcde"], [("a", "abcdf")], "char")
    logs = {}
    callback.on_epoch_end(0, logs)
    assert "tok:char" in callback.signatures["bleu"]
    assert logs["bleu"] > 50  # of one word it would be 0


def test_checkpoints_are_removed_in_the_order_of_their_numbers(tmp_path):
    keep_best = KeepBest(tmp_path / "best.weights.h5", "loss")
    callback = SaveCheckpoint(tmp_path, {"best": keep_best}, num_kept=2)
    callback.set_model(make_model())
    for epoch in (9997, 9998, 9999, 10000):
        callback.on_epoch_end(epoch)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["epoch-10000.npz", "epoch-10001.npz"]


def test_log_continues_from_the_line_of_the_checkpoint(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"epoch": "of a run that never wrote a checkpoint"}\n')
    log = JsonLog(path)
    log.restore(None)
    assert not path.exists()
    log.set_model(make_model())
    log.on_epoch_begin(0)
    log.on_epoch_end(0, {"loss": 7.0})
    state = json.loads(json.dumps(log.state()))
    assert state == {"size": path.stat().st_size, "seconds": 0.0}
    with path.open("a") as file:  # later lines, the last one cut short by a kill
        file.write('{"epoch": 2}\n{"epo')
    again = JsonLog(path)
    again.restore(state)
    again.set_model(make_model())
    again.on_epoch_begin(1)
    again.on_epoch_end(1, {"loss": 5.0})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["epoch"], line["loss"]) for line in lines] == [(1, 7.0), (2, 5.0)]


def test_seconds_of_an_epoch_include_those_before_a_kill(tmp_path):
    log = JsonLog(tmp_path / "log.jsonl")
    log.restore({"size": 0, "seconds": 500.0})
    log.set_model(make_model())
    log.on_epoch_begin(3)
    assert 500 <= log.state()["seconds"] < 600
    log.on_epoch_end(3, {})
    [line] = (tmp_path / "log.jsonl").read_text().splitlines()
    assert 500 <= json.loads(line)["seconds"] < 600
    assert log.state()["seconds"] == 0


@pytest.mark.moderate
def test_best_weights_have_no_optimizer_state(tmp_path):
    import h5py

    model = make_model()
    model.fit(np.ones((4, 2)), np.ones((4, 3)), verbose=0)
    keep_best = KeepBest(tmp_path / "best.weights.h5", "loss")
    keep_best.set_model(model)
    assert keep_best.keep_if_better(0, {"loss": 1.0})
    with h5py.File(keep_best.path) as file:
        assert "layers" in file and "optimizer" not in file


@pytest.mark.parametrize(
    ("monitor", "value", "expected"),
    [
        ("val_nll", 1.5, True),
        ("val_nll", 2.0, False),
        ("bleu", 2.5, True),
        ("bleu", 2.0, False),
        ("bleu", math.nan, False),
        ("bleu", math.inf, False),
    ],
)
def test_a_score_must_beat_the_best(tmp_path, monitor, value, expected):
    keep_best = KeepBest(tmp_path / "best.weights.h5", monitor)
    assert keep_best.improves(value) == math.isfinite(value)
    keep_best.restore({"best": 2.0, "best_epoch": 3})
    assert keep_best.improves(value) == expected


@pytest.mark.parametrize("name", ["best", "best.h5", "best.keras"])
def test_weights_have_a_path_that_keras_can_load(name):
    with pytest.raises(ValueError, match=rf"\.weights\.h5. Received: {name}$"):
        KeepBest(name, "loss")
