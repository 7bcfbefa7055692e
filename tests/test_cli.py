"""The command line: what it answers, and how it refuses."""

import io
import json
import sys

import pytest

from tf_transformer import cli
from tf_transformer.cli import verbs


def test_help_of_every_verb_has_no_none_and_no_traceback(capsys):
    for words in (
        ["--help"],
        ["train", "--help"],
        ["evaluate", "--help"],
        ["translate", "--help"],
        ["export", "--help"],
        ["info", "--help"],
    ):
        with pytest.raises(SystemExit) as stopped:
            cli.main(words)
        assert stopped.value.code == 0
        text = capsys.readouterr().out
        assert "usage: tf-transformer" in text
        assert "None" not in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "required"),
        (["fly"], "invalid choice"),
        (["train"], "--run"),
        (["train", "--run", "x", "--epochs", "many"], "invalid int value"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why(capsys, words, told):
    with pytest.raises(SystemExit) as stopped:
        cli.main(words)
    assert stopped.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "--run", "RUN", "--preset", "huge"], "Unknown preset"),
        (["train", "--run", "RUN", "--data", "missing.tsv"], "missing.tsv"),
        (["train", "--run", "RUN", "--data", "no_corpus"], "en_ko_grammar"),
        (["train", "--run", "RUN", "--train-source", "a"], "needs its target file"),
        (["translate", "RUN", "hello"], "no config.json"),
        (["evaluate", "RUN", "--source", "a"], "no config.json"),
        (["export", "RUN", "OUT"], "no config.json"),
        (["info", "RUN"], "no config.json"),
    ],
)
def test_bad_input_is_one_line_and_exits_with_1(capsys, tmp_path, words, told):
    words = [str(tmp_path / word) if word in ("RUN", "OUT") else word for word in words]
    assert cli.main(words) == 1
    captured = capsys.readouterr()
    assert told in captured.err
    assert len(captured.err.splitlines()) == 1


def test_every_setting_of_a_run_has_its_option_and_default():
    from tf_transformer.run.config import TrainingConfig

    options = cli.make_parser().parse_args(["train", "--run", "x"])
    assert TrainingConfig() == TrainingConfig(
        **{name: getattr(options, name) for name in vars(TrainingConfig())}
    )
    options = cli.make_parser().parse_args(
        ["train", "--run", "x", "--peak", "0.5", "--no-cooldown", "--patience", "3"]
    )
    assert (options.peak, options.cooldown, options.patience) == (0.5, False, 3)


@pytest.mark.slow
def test_all_verbs_work_together(tmp_path, capsys, monkeypatch):
    run, models = str(tmp_path / "run"), str(tmp_path / "models")
    words = ["sun", "moon", "star", "tree", "bird"]
    lines = [f"{a} {b} {c}\t{c} {b} {a}" for a in words for b in words for c in words]
    data = tmp_path / "pairs.tsv"
    data.write_text("\n".join(lines), encoding="utf-8")
    settings = ["--data", str(data), "--vocab-size", "300", "--epochs", "1"]
    assert cli.main(["train", "--run", run, *settings]) == 0
    assert cli.main(["evaluate", run, "--beam-size", "1"]) == 0
    assert '"bleu_signature"' in capsys.readouterr().out
    assert cli.main(["translate", run, "sun moon", "", "bird"]) == 0
    from_run = capsys.readouterr().out
    assert len(from_run.splitlines()) == 3

    assert cli.main(["export", run, models]) == 0
    assert cli.main(["export", run, models]) == 0
    assert capsys.readouterr().out.split() == [f"{models}/1", f"{models}/2"]
    stdin = io.TextIOWrapper(io.BytesIO(b"sun moon\n\nbird\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(verbs, "_lines", lambda path: (line.strip() for line in stdin))
    assert cli.main(["translate", f"{models}/2"]) == 0
    assert capsys.readouterr().out == from_run
    assert cli.main(["info", f"{models}/1"]) == 0
    assert "test" in json.loads(capsys.readouterr().out)["scores"]
    assert cli.main(["info", run]) == 0
    assert json.loads(capsys.readouterr().out)["training"]["epochs"] == 1
