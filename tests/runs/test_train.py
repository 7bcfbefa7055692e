"""A whole run on a small artificial language, interrupted and resumed."""

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.data import load_corpus
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.runs.evaluation import evaluate, files_to_score, splits_to_score
from tf_transformer.runs.training import train

WORDS = ["sun", "moon", "star", "tree", "bird", "fish", "rain"]

KILL_AFTER_AN_EPOCH = """
import os
from tf_transformer.runs.directory import RunDirectory
RunDirectory.end_first_epoch = lambda run: os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def tsv(tmp_path_factory):
    # the translation is the sentence from behind, in capital letters
    generator = np.random.default_rng(7)
    lines = []
    for _ in range(460):
        words = generator.choice(WORDS, generator.integers(2, 5))
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


@pytest.mark.slow
@pytest.mark.full  # test_killed_runs.py kills runs too
def test_killed_run_continues_bit_for_bit(tsv, tmp_path):
    config = make_config(tsv, epochs=4)
    whole = train(config, tmp_path / "whole")
    settings = ["--data", str(tsv), "--vocab-size", "330", "--epochs", "4"]
    settings += ["--batch-tokens", "256", "--validation-sentences", "5"]
    settings += ["--checkpoint-every", "1000"]  # updates: only at the ends of epochs
    program = "import sys; from tf_transformer.cli import main; sys.exit(main())"
    command = ["train", *settings, "--run", str(tmp_path / "stopped")]
    stopped = RunDirectory(tmp_path / "stopped")
    for before, code in ((KILL_AFTER_AN_EPOCH, -signal.SIGKILL), ("", 0)):
        words = [sys.executable, "-c", before + program, *command]
        ended = subprocess.run(words, stdout=subprocess.DEVNULL, check=False)
        assert ended.returncode == code
        assert stopped.latest_checkpoint().name == f"epoch-000{1 if before else 4}.npz"
    with (
        np.load(whole.latest_checkpoint()) as expected,
        np.load(stopped.latest_checkpoint()) as found,
    ):
        assert len(expected.files) > 50
        states = [json.loads(file["state"].tobytes()) for file in (expected, found)]
        for state in states:
            del state["log"], state["events"]  # files, in seconds and by process
        assert states[0] == states[1]
        for one, other in zip(expected.files, found.files, strict=True):
            if one == "state":
                continue
            np.testing.assert_array_equal(expected[one], found[other], err_msg=one)
    # the same command again has nothing to do; its files stay complete
    before = stopped.path.joinpath("config.json").read_text()
    train(make_config(tsv, epochs=1), tmp_path / "stopped")
    assert stopped.path.joinpath("config.json").read_text() == before
    lines = [json.loads(line) for line in stopped.json_log.read_text().splitlines()]
    assert [line["epoch"] for line in lines][-1] == 4
    assert {"loss", "val_nll", "val_perplexity", "bleu", "chrf"} <= set(lines[0])


@pytest.mark.slow
def test_run_learns_as_tensorboard_shows_and_other_settings_do_not_continue_it(
    tsv, tmp_path
):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    # the BLEU of 5 sentences is 100 early on, and the first such epoch would be kept
    config = make_config(tsv, epochs=30, batch_tokens=128, monitor="nll")
    run = train(config, tmp_path / "run")
    pairs = load_corpus(run.config()).test
    scores = evaluate(run, "test", pairs, beam_size=2)
    assert scores["exact"] >= 0.5
    kept = run.evaluation()["test, beam 2, alpha 0.6"]
    assert kept["bleu_signature"].startswith("nrefs:1|")
    evaluate(run, "test", pairs, beam_size=2, tokenize="char")
    other = run.evaluation()["test, beam 2, alpha 0.6, char"]
    assert "tok:char" in other["bleu_signature"]
    assert run.evaluation()["test, beam 2, alpha 0.6"] == kept
    with pytest.raises(ValueError, match=r"Expected \(source, target\)"):
        evaluate(run, "test", [{"source": "a", "target": "b"}])

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
    assert best["updates"] > 200
    with pytest.raises(ValueError, match="seed=5 instead of 1"):
        train(dataclasses.replace(config, seed=5), run.path)


@pytest.mark.slow
def test_too_long_sentences_are_not_translated(tsv, tmp_path):
    texts = {"train": ["sun moon"] * 30, "valid": ["sun", "moon sun " * 9, "moon"]}
    files = {}
    for split, lines in texts.items():
        for side in ("source", "target"):
            files[f"{split}_{side}"] = str(tmp_path / f"{split}.{side}")
            (tmp_path / f"{split}.{side}").write_text("\n".join(lines))
    settings = {"data": None, "vocab_size": 280, "max_length": 12, "epochs": 1}
    settings |= {"num_encoder_layers": 1, "num_decoder_layers": 1}
    with pytest.warns(UserWarning, match="1 of 3 sentences are longer .* 12 tokens"):
        run = train(make_config(tsv, **settings, **files), tmp_path / "short")
    assert "bleu" in json.loads(run.json_log.read_text())


def test_run_without_test_split_asks_for_source_and_target(tsv):
    files = {
        f"{split}_{side}": str(tsv)
        for split in ("train", "valid")
        for side in ("source", "target")
    }
    with pytest.raises(ValueError, match="no test split. Expected --source"):
        splits_to_score(TrainingConfig(**files).resolved())


def test_lines_to_score_are_never_left_out(tmp_path):
    source, target = tmp_path / "a.de", tmp_path / "a.en"
    source.write_text("eins\n\ndrei\n", encoding="utf-8")
    target.write_text("one\ntwo\nthree\n", encoding="utf-8")
    source, target = str(source), str(target)
    expected = {source: [("eins", "one"), ("", "two"), ("drei", "three")]}
    assert files_to_score(source, target) == expected
    Path(target).write_text("one\n", encoding="utf-8")
    with pytest.raises(ValueError, match="a.de with 3 lines.*a.en with 1 lines"):
        files_to_score(source, target)
