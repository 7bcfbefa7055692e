"""A run with damaged, removed or edited files continues, or names the file."""

import dataclasses
import json
import re

import keras
import numpy as np
import pytest

from tf_transformer import cli
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import FORMAT_VERSION, RunDirectory
from tf_transformer.runs.fitting import restore_latest
from tf_transformer.runs.training import train
from tf_transformer.training.checkpoints import save_checkpoint
from tf_transformer.training.weights import load_weights, save_weights
from tf_transformer.utils.checksum import DamagedFile


def make_model(value=0.0, optimizer="adam"):
    layer = keras.layers.Dense(3, bias_initializer=keras.initializers.Constant(value))
    model = keras.Sequential([keras.Input((2,)), layer])
    if optimizer is not None:
        model.compile(optimizer, "mse")
    return model


@pytest.fixture
def run(tmp_path):
    """A run with checkpoints of epochs 9,999 and 10,000; their bias is the epoch."""
    directory = RunDirectory(tmp_path / "run")
    for epoch in (9999, 10000):
        path = directory.checkpoints / f"epoch-{epoch}.npz"
        save_checkpoint(path, make_model(epoch), {"epoch": epoch})
    return directory


def truncate(path):
    path.write_bytes(path.read_bytes()[:-500])


def flip_a_bit(path):
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 4
    path.write_bytes(contents)


def empty(path):
    path.write_bytes(b"")


def zeros(path):
    """What a power cut may leave of a file."""
    path.write_bytes(bytes(path.stat().st_size))


def two_bytes(path):
    path.write_bytes(path.read_bytes()[:2])


DAMAGE = [truncate, flip_a_bit, empty, zeros, two_bytes]


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_checkpoint_before_a_damaged_one_is_used(run, damage, capsys):
    damage(run.checkpoints / "epoch-10000.npz")
    model = make_model()
    path, state = restore_latest(run, model)
    assert (path.name, state) == ("epoch-9999.npz", {"epoch": 9999})
    np.testing.assert_array_equal(model.layers[0].bias, [9999.0] * 3)
    [line] = capsys.readouterr().out.splitlines()
    assert "epoch-10000.npz is damaged" in line
    damage(run.checkpoints / "epoch-9999.npz")
    with pytest.raises(ValueError, match="All checkpoints of the run are damaged"):
        restore_latest(run, model)


def test_checkpoints_are_in_the_order_of_epochs(run):
    assert run.latest_checkpoint().name == "epoch-10000.npz"
    assert [path.name for path in run.last_checkpoints(2)] == [
        "epoch-9999.npz",
        "epoch-10000.npz",
    ]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_weights_are_refused(tmp_path, damage):
    path = tmp_path / "best.weights.h5"
    save_weights(make_model(4.0), path)
    model = make_model(optimizer=None)
    load_weights(model, path)
    np.testing.assert_array_equal(model.layers[0].bias, [4.0] * 3)
    damage(path)
    with pytest.raises(DamagedFile, match="best.weights.h5"):
        load_weights(model, path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    save_weights(make_model(value), tmp_path / "best.weights.h5")
    with pytest.raises(ValueError, match="diverged.*non-finite values in .*bias"):
        load_weights(make_model(optimizer=None), tmp_path / "best.weights.h5")


def test_training_does_not_start_over_when_checkpoints_were_removed(run):
    for path in run.all_checkpoints():
        path.unlink()
    run.best_weights.write_bytes(b"precious")
    run.first_epoch_marker.touch()  # killed in the first epoch: nothing is lost
    run.check_checkpoints()
    run.end_first_epoch()
    with pytest.raises(ValueError, match="its checkpoints are gone.*epoch-.*npz"):
        train(TrainingConfig(), run.path)
    assert run.best_weights.read_bytes() == b"precious"


def contents(**changes):
    training = dataclasses.asdict(TrainingConfig())
    return {
        "format_version": FORMAT_VERSION,
        "training": {**training, **changes.pop("training", {})},
        "model": {},
        **changes,
    }


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "another program wrote"),
        (contents(format_version="2"), "an integer as format_version. Received: '2'"),
        (contents(format_version=None), "an integer as format_version. Received: None"),
        (contents(model=None), "an object as 'model'. Received: None"),
        (contents(training={"wings": 2}), "settings of this version. Received: wings"),
        (contents(training={"epochs": "7"}), "epochs has the wrong type.*int.*'7'"),
        (contents(training={"epochs": True}), "epochs has the wrong type.*True"),
        (contents(training={"tokenizer": [1]}), "tokenizer has the wrong type"),
        (contents(training={"architecture": "wings"}), "one of.*Received: 'wings'"),
        (contents(tokenizer=None), "an object as 'tokenizer'. Received: None"),
        (contents(data=[]), r"an object as 'data'. Received: \[\]"),
    ],
)
def test_an_edited_config_is_one_line(tmp_path, value, message, capsys):
    (tmp_path / "config.json").write_text(json.dumps(value), encoding="utf-8")
    (tmp_path / "best.weights.h5").touch()
    assert cli.main(["translate", str(tmp_path), "hello"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert re.search(message, line)


def test_a_run_of_another_backend_is_refused(run):
    training = vars(TrainingConfig().resolved())
    value = contents(training=training, backend="mlx")
    (run.path / "config.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(ValueError, match="Expected KERAS_BACKEND=mlx"):
        train(TrainingConfig(), run.path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("evaluation.json", "[]", r"Expected an object. Received: \[\]"),
        ("average.json", "{}", "an object with epochs, is_best, value. Received: {}"),
        ("average.json", "[" * 100_000, "is not valid JSON"),
    ],
)
def test_an_edited_file_of_scores_is_an_error_that_names_it(
    tmp_path, name, text, message
):
    (tmp_path / name).write_text(text, encoding="utf-8")
    run = RunDirectory(tmp_path)
    with pytest.raises(ValueError, match=f"{name}.*{message}"):
        run.evaluation() if name == "evaluation.json" else run.average()


def test_a_missing_tokenizer_file_is_named(tmp_path):
    value = contents(tokenizer={"tokenizer.target.model": "12:ab"})
    (tmp_path / "config.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(DamagedFile, match="tokenizer.target.model is damaged or gone"):
        RunDirectory(tmp_path).tokenizer()


def test_a_model_of_other_arguments_is_one_line(tmp_path, capsys):
    value = contents(model={"wings": 2})
    (tmp_path / "config.json").write_text(json.dumps(value), encoding="utf-8")
    (tmp_path / "best.weights.h5").touch()
    assert cli.main(["translate", str(tmp_path), "hello"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "does not describe a model" in line
