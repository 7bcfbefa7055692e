"""Fine-tuning from another run's tokenizer and weights."""

import json

import numpy as np
import pytest

from tf_transformer import cli
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.runs.fine_tuning import (
    inherited_arguments,
    with_inherited_settings,
)
from tf_transformer.training.checkpointing import SaveWithinEpochs
from tf_transformer.utils.atomic import write_json

WORDS = ["sun", "moon", "star", "tree", "bird"]


@pytest.fixture
def other(tmp_path):
    """The folder of a run, with settings only."""
    run = RunDirectory(tmp_path / "other")
    config = TrainingConfig(
        vocab_size=330,
        preset="small",
        dropout_rate=0.2,
        normalize_first=True,
        max_length=70,
    )
    training = vars(config.resolved())
    contents = {"format_version": 1, "training": training, "model": {}}
    write_json(run.path / "config.json", contents)
    return run


def test_tokenizer_and_model_are_inherited_and_other_settings_are_not(other, tmp_path):
    config = TrainingConfig(init_from=str(other.path), data="en_ko_grammar", peak=1e-4)
    found = with_inherited_settings(config, RunDirectory(tmp_path / "new"))
    assert (found.preset, found.vocab_size) == ("small", 330)
    assert (found.peak, found.dropout_rate, found.epochs) == (1e-4, None, None)


def test_the_default_peak_is_that_of_a_fine_tuning(other):
    """One of a training from scratch (2e-3 for tiny) would undo the other training."""
    for changes, peak in (
        ({}, 1.5e-3),
        ({"init_from": str(other.path)}, 2e-4),
        ({"init_from": str(other.path), "lora_rank": 3}, 2e-3),
        ({"init_from": str(other.path), "lora_rank": 3, "peak": 7e-5}, 7e-5),
    ):
        assert TrainingConfig(preset="small", **changes).resolved().peak == peak


@pytest.mark.parametrize(
    "rates", [{}, {"dropout_rate": 0.0}, {"word_dropout_rate": 0.1}]
)
def test_dropout_rates_replace_those_of_the_other_run(other, tmp_path, rates):
    model = {"dropout_rate": 0.2, "attention_dropout_rate": 0.3, "d_ff": 17}
    write_json(other.path / "config.json", {**other.contents(), "model": model})
    config = TrainingConfig(init_from=str(other.path), **rates)
    found = inherited_arguments(config, RunDirectory(tmp_path / "new"))
    assert found == {**model, **rates}


def test_a_run_from_an_imported_model_has_no_preset(other, tmp_path):
    contents = other.contents()
    contents["training"]["preset"] = None
    write_json(other.path / "config.json", contents)
    config = TrainingConfig(init_from=str(other.path))
    config = with_inherited_settings(config, RunDirectory(tmp_path / "new")).resolved()
    assert (config.preset, config.batch_tokens, config.peak) == (None, 1024, 2e-4)
    assert TrainingConfig().resolved().preset == "tiny"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lora_rank": 0}, "lora_rank must be at least 1"),
        ({"init_from": None}, "Expected init_from.*Received: init_from=None"),
        ({"architecture": "recurrent"}, "the run of a Transformer.*'recurrent'"),
        ({"average_last": 3}, "cannot be averaged.*lora_rank=4, average_last=3"),
    ],
)
def test_settings_that_lora_excludes_are_refused(changes, message):
    settings = {"init_from": "runs/a", "lora_rank": 4, **changes}
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**settings).resolved()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "base"}, "preset='base' instead of 'small'"),
        ({"vocab_size": 90}, "vocab_size=90 instead of 330"),
        # what was set counts, even if it is the default
        ({"preset": "tiny"}, "preset='tiny' instead of 'small'"),
        ({"vocab_size": 8000}, "vocab_size=8000 instead of 330"),
        ({"normalize_first": False}, "normalize_first=False instead of True"),
        ({"max_length": 512}, "max_length=512 instead of 70"),
        ({"tokenizer": ["a.model"]}, r"tokenizer=\('a.model',\) instead of None"),
    ],
)
def test_settings_that_contradict_the_other_run_are_refused(
    other, tmp_path, changes, message
):
    config = TrainingConfig(init_from=str(other.path), **changes)
    with pytest.raises(ValueError, match=message):
        with_inherited_settings(config, RunDirectory(tmp_path / "new"))
    with pytest.raises(ValueError, match="cannot start from itself"):
        with_inherited_settings(TrainingConfig(init_from=str(other.path)), other)


def test_an_option_that_contradicts_by_its_default_is_refused_by_name(
    other, tmp_path, capsys
):
    command = ["train", "--run", str(tmp_path / "new"), "--init-from", str(other.path)]
    assert cli.main([*command, "--preset", "tiny", "--no-normalize-first"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "preset='tiny' instead of 'small', normalize_first=False" in line


def write_files(folder):
    lines = [f"{a} {b} {c}" for a in WORDS for b in WORDS for c in WORDS]
    for name, chosen in (("a", lines[:40]), ("b", lines[40:60]), ("valid", lines[60:])):
        (folder / f"{name}.de").write_text("\n".join(chosen))
        (folder / f"{name}.en").write_text("\n".join(chosen).upper())
    (folder / "pairs.tsv").write_text("".join(f"{s}\t{s}\n" for s in lines))


@pytest.mark.slow
def test_a_run_starts_from_the_weights_of_another_and_scores_pairs(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    common = ["--epochs", "1", "--monitor", "nll", "--validation-sentences", "0"]
    first = ["train", "--run", "first", "--data", "pairs.tsv", "--vocab-size", "300"]
    first += ["--num-encoder-layers", "1", "--num-decoder-layers", "1"]
    assert cli.main([*first, *common]) == 0
    second = ["train", "--run", "second", "--init-from", "first", *common]
    second += ["--train-source", "a.de", "b.de", "--train-target", "a.en", "b.en"]
    second += ["--train-weights", "1", "3", "--peak", "1e-30"]
    second += ["--valid-source", "valid.de", "--valid-target", "valid.en"]
    assert cli.main(second) == 0
    out = capsys.readouterr().out
    assert "100 training pairs" in out  # 40 + 3 * 20
    runs = [RunDirectory(name).translator() for name in ("first", "second")]
    weights = [run.model.get_weights() for run in runs]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-7)  # the rate is 1e-30
    names = ["tokenizer.model", "tokenizer.target.model"]
    for name in names:
        contents = [(tmp_path / run / name).read_bytes() for run in ("first", "second")]
        assert contents[0] == contents[1]
    assert cli.main(second) == 0  # resumed, it needs the first run no more
    check_lora(runs[0].model, common, monkeypatch)
    check_score(runs[0], capsys)


def check_lora(model, common, monkeypatch):
    """Only dense layers change; a run that was killed continues with its changes."""
    command = ["train", "--init-from", "first", "--data", "pairs.tsv", *common]
    command += ["--lora-rank", "2", "--peak", "0.01", "--checkpoint-every", "1"]
    command += ["--batch-tokens", "256"]
    assert cli.main([*command, "--run", "lora"]) == 0
    tuned = RunDirectory("lora").translator().model
    for one, other in zip(model.weights, tuned.weights, strict=True):
        assert np.array_equal(one, other) == ("/kernel" not in one.path), one.path
    real = SaveWithinEpochs.on_train_batch_end

    def killed_after_two(self, batch, logs=None):
        real(self, batch, logs)
        if batch == 1:
            raise RuntimeError("killed")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="killed"):
        patched.setattr(SaveWithinEpochs, "on_train_batch_end", killed_after_two)
        cli.main([*command, "--run", "killed"])
    assert not RunDirectory("killed").best_weights.exists()
    assert RunDirectory("killed").latest_checkpoint() is not None
    assert cli.main([*command, "--run", "killed"]) == 0
    resumed = RunDirectory("killed").translator().model
    for one, other in zip(tuned.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def check_score(translator, capsys):
    pairs = [("sun moon", "SUN"), ("bird", "moon tree"), ("", "")]
    for side, name in enumerate(("score.de", "score.en")):
        with open(name, "w") as file:
            file.writelines(pair[side] + "\n" for pair in pairs)
    expected = translator.score(*zip(*pairs, strict=True))
    command = ["score", "first", "--source", "score.de", "--target", "score.en"]
    capsys.readouterr()
    assert cli.main([*command, "--batch-size", "2"]) == 0
    found = [float(line) for line in capsys.readouterr().out.splitlines()]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert cli.main([*command, "--json", "--tokens"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line, score in zip(lines, expected, strict=True):
        assert line["score"] == pytest.approx(score, abs=1e-3)
        total = sum(token["log_prob"] for token in line["tokens"])
        assert line["score"] == pytest.approx(total)
    assert cli.main([*command, "--tokens"]) == 0
    first = capsys.readouterr().out.splitlines()[0].split("\t")
    assert float(first[0]) == pytest.approx(expected[0], abs=1e-3)
    assert len(first) == 1 + len(lines[0]["tokens"])
