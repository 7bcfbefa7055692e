"""A whole run on a small made-up language, stopped and continued."""

import json

import numpy as np
import pytest

from tf_transformer.run import train as train_module
from tf_transformer.run.config import TrainingConfig
from tf_transformer.run.evaluate import evaluate
from tf_transformer.run.train import load_corpus, train

WORDS = ["sun", "moon", "star", "tree", "bird", "fish", "rain"]


@pytest.fixture(scope="module")
def tsv(tmp_path_factory):
    # the translation is the sentence from behind, in capital letters
    generator = np.random.default_rng(7)
    lines = []
    for _ in range(230):
        words = generator.choice(WORDS, generator.integers(2, 6))
        lines.append(" ".join(words) + "\t" + " ".join(words[::-1]).upper())
    path = tmp_path_factory.mktemp("data") / "pairs.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def make_config(tsv, **changes):
    settings = {
        "data": str(tsv),
        "vocab_size": 330,
        "epochs": 2,
        "batch_tokens": 256,
        "validation_sentences": 5,
        **changes,
    }
    return TrainingConfig(**settings)


class Killed(Exception):
    """Stands for the end of a process."""


class KilledAfterFirstEpoch(train_module.SaveCheckpoint):
    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if epoch == 0:
            raise Killed


@pytest.mark.slow
def test_stopped_run_continues_bit_for_bit(tsv, tmp_path, monkeypatch):
    config = make_config(tsv)
    whole = train(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(train_module, "SaveCheckpoint", KilledAfterFirstEpoch)
        with pytest.raises(Killed):
            train(config, tmp_path / "stopped")
    stopped = train(config, tmp_path / "stopped")
    with (
        np.load(whole.latest_checkpoint()) as expected,
        np.load(stopped.latest_checkpoint()) as found,
    ):
        assert len(expected.files) > 50
        for one, other in zip(expected.files, found.files, strict=True):
            np.testing.assert_array_equal(expected[one], found[other], err_msg=one)
    lines = [json.loads(line) for line in stopped.json_log.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert {"loss", "val_nll", "val_perplexity", "bleu", "chrf"} <= set(lines[0])


@pytest.mark.slow
def test_other_settings_do_not_continue_a_run(tsv, tmp_path):
    train(make_config(tsv, epochs=1), tmp_path / "run")
    with pytest.raises(ValueError, match="seed=5 instead of 1"):
        train(make_config(tsv, epochs=1, seed=5), tmp_path / "run")


@pytest.mark.slow
def test_run_learns_and_tensorboard_shows_it(tsv, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(make_config(tsv, epochs=25, batch_tokens=128), tmp_path / "run")
    pairs = load_corpus(run.config()).test
    scores = evaluate(run, "test", pairs, beam_size=2)
    assert scores["exact"] >= 0.5
    assert run.evaluation()["test"]["bleu_signature"].startswith("nrefs:1|")

    events = EventAccumulator(str(run.logs)).Reload()
    tags = events.Tags()["tensors"]
    for tag in (
        "update/loss",
        "update/accuracy",
        "update/perplexity",
        "update/learning_rate",
        "epoch/bleu",
        "epoch/chrf",
        "samples",
        "signature/bleu",
    ):
        assert tag in tags
    best = json.loads(run.json_log.read_text().splitlines()[-1])
    assert best["updates"] > 25


def test_half_a_pair_of_files_is_refused():
    with pytest.raises(ValueError, match="needs its target file.*train_source=a.de"):
        load_corpus(TrainingConfig(train_source="a.de"))


def test_run_without_data_is_refused():
    with pytest.raises(ValueError, match="nothing to train on"):
        load_corpus(TrainingConfig(data=None))
