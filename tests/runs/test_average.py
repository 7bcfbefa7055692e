"""Averages of the last epochs and moving averages, also in a resumed run."""

import json

import numpy as np
import pytest

from tf_transformer.runs import training as run_train
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.training.checkpointing import SaveWithinEpochs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tsv(tmp_path_factory):
    # the translation is the sentence from behind, in capital letters
    generator = np.random.default_rng(7)
    lines = []
    for _ in range(300):
        words = generator.choice(["sun", "moon", "star", "tree", "bird"], 3)
        lines.append(" ".join(words) + "\t" + " ".join(words[::-1]).upper())
    path = tmp_path_factory.mktemp("data") / "pairs.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def make_config(tsv, **changes):
    settings = {
        "data": str(tsv),
        "vocab_size": 300,
        "epochs": 3,
        "batch_tokens": 512,
        "num_encoder_layers": 1,
        "num_decoder_layers": 1,
        "validation_sentences": 0,
        "monitor": "nll",
        "checkpoint_every": 1000,  # updates: only at the ends of epochs
    }
    return TrainingConfig(**{**settings, **changes})


class Killed(Exception):
    """The run's process has ended."""


def train_until(monkeypatch, config, path, owner, name, calls):
    """A run that is killed after a number of calls of a function."""
    real, num_calls = getattr(owner, name), []

    def counted(*arguments, **named):
        if len(num_calls) == calls:
            raise Killed
        num_calls.append(name)
        return real(*arguments, **named)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(owner, name, counted)
        run_train.train(config, path)


def weights(run, file):
    translator = run.translator()
    translator.model.load_weights(file)
    return translator.model.get_weights()


def means(run, count):
    """Means of what the last checkpoints say of each weight, found by its path."""
    # the model's own name counts its models: transformer_1/embedding/matrix/embeddings
    paths = [weight.path.partition("/")[2] for weight in run.translator().model.weights]
    files = [np.load(path) for path in run.last_checkpoints(count)]
    assert len(files) == count
    names = {name.partition("/")[2]: name for name in files[0].files}
    keys = [names[path] for path in paths]
    return [np.mean([file[key] for file in files], axis=0) for key in keys]


def assert_same_checkpoints(one, other):
    with (
        np.load(one.latest_checkpoint()) as expected,
        np.load(other.latest_checkpoint()) as found,
    ):
        assert len(expected.files) > 50
        states = [json.loads(file["state"].tobytes()) for file in (expected, found)]
        for state in states:
            del state["log"], state["events"]  # files, in seconds and by process
        assert states[0] == states[1]
        for name, same in zip(expected.files, found.files, strict=True):
            if name == "state":
                continue
            np.testing.assert_array_equal(expected[name], found[same], err_msg=name)


def test_the_average_of_the_last_epochs_is_scored_and_kept(
    tsv, tmp_path, monkeypatch, capsys
):
    config = make_config(tsv, average_last=3)
    whole = run_train.train(config, tmp_path / "whole")
    assert "Average of epochs 1 to 3" in capsys.readouterr().out
    average = whole.average()
    assert average["epochs"] == [1, 2, 3]
    lines = whole.json_log.read_text().splitlines()
    best_epoch = min(json.loads(line)["val_nll"] for line in lines)
    assert average["is_best"] == (average["val_nll"] < best_epoch)
    for found, expected in zip(
        weights(whole, whole.average_weights), means(whole, 3), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-6)

    # killed before the average is made, it is made by the next call, and once
    killed = RunDirectory(tmp_path / "killed")
    train_until(monkeypatch, config, killed.path, run_train, "add_average", 0)
    assert killed.average() is None
    run_train.train(config, killed.path)
    assert killed.average() == average
    for file in ("average.weights.h5", "best.weights.h5"):
        for found, expected in zip(
            weights(killed, killed.path / file),
            weights(whole, whole.path / file),
            strict=True,
        ):
            np.testing.assert_array_equal(found, expected)
    capsys.readouterr()
    run_train.train(config, killed.path)
    output = capsys.readouterr().out
    assert "already trained" in output
    assert "Average" not in output


@pytest.mark.full
def test_an_average_that_is_the_best_must_be_beaten_by_later_epochs(
    tsv, tmp_path, monkeypatch
):
    config = make_config(tsv, epochs=2, average_last=2)
    run = run_train.train(config, tmp_path / "run")
    run.set_average({**run.average(), "is_best": True, "value": -1.0})
    kept = weights(run, run.best_weights)
    run_train.train(make_config(tsv, epochs=3, average_last=2), run.path)
    for found, expected in zip(weights(run, run.best_weights), kept, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert run.average()["epochs"] == [2, 3]
    assert not run.average()["is_best"]


@pytest.mark.full  # test_killed_runs.py kills runs with moving averages too
def test_killed_run_with_moving_averages_continues_bit_for_bit(
    tsv, tmp_path, monkeypatch
):
    config = make_config(tsv, ema_momentum=0.9, monitor="bleu", validation_sentences=4)
    whole = run_train.train(config, tmp_path / "whole")
    killed = RunDirectory(tmp_path / "killed")
    train_until(monkeypatch, config, killed.path, SaveWithinEpochs, "on_epoch_end", 2)
    assert killed.latest_checkpoint().name == "epoch-0002.npz"
    run_train.train(config, killed.path)
    assert_same_checkpoints(whole, killed)
    best = [weights(run, run.best_weights) for run in (whole, killed)]
    for found, expected in zip(*best, strict=True):
        np.testing.assert_array_equal(found, expected)
