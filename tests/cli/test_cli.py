"""The command line: its output, its errors and exit codes."""

import gzip
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tf_transformer import cli


def test_help_of_every_verb_has_no_none_and_no_traceback(capsys):
    for words in (
        ["--help"],
        ["train", "--help"],
        ["evaluate", "--help"],
        ["score", "--help"],
        ["translate", "--help"],
        ["attend", "--help"],
        ["export", "--help"],
        ["import", "--help"],
        ["info", "--help"],
        ["doctor", "--help"],
        ["serve", "--help"],
    ):
        with pytest.raises(SystemExit) as stopped:
            cli.main(words)
        assert stopped.value.code == 0
        text = capsys.readouterr().out
        assert "usage: tf-transformer" in text
        assert "None" not in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required"),
        (["fly"], "invalid choice"),
        (["train"], "--run"),
        (["train", "--run", "x", "--epochs", "many"], "invalid int value"),
        (["train", "--run", "x", "--preset", "huge"], "invalid choice: 'huge'"),
        (["translate", "x", "--batch-size", "0"], "at least 1"),
        (["attend", "x"], "text"),
        (["evaluate", "x", "--bleu-tokenize", "13b"], "invalid choice: '13b'"),
        (["score", "x", "--source", "a"], "--target"),
        (["attend", "x", "hello", "--kind", "self"], "invalid choice: 'self'"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why(capsys, words, message):
    with pytest.raises(SystemExit) as stopped:
        cli.main(words)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "--run", "RUN", "--epochs", "0"], "epochs must be at least 1"),
        (["train", "--run", "RUN", "--data", "missing.tsv"], "missing.tsv"),
        (["train", "--run", "RUN", "--data", "no_corpus"], "en_ko_grammar"),
        (["train", "--run", "RUN", "--train-source", "a"], "needs its target file"),
        (["translate", "RUN", "hello"], "no config.json"),
        (
            ["translate", "RUN", "hello", "--nbest", "9"],
            "num_hypotheses=9, beam_size=4",
        ),
        (["translate", "RUN", "hello", "--top-k", "5"], "go with sample=True"),
        (["translate", "RUN", "hello", "--input", "a"], "sentences and --input"),
        (["export", "RUN", "OUT", "--sample"], "no config.json"),
        (["evaluate", "RUN", "--source", "a"], "--target together"),
        (["evaluate", "RUN"], "no config.json"),
        (["attend", "RUN", "hello"], "no config.json"),
        (["attend", "RUN", "hello", "you", "--png", "OUT"], "one text with --png"),
        (["export", "RUN", "OUT"], "no config.json"),
        (["info", "RUN"], "no config.json"),
    ],
)
def test_bad_input_is_one_line_and_exits_with_1(capsys, tmp_path, words, message):
    words = [str(tmp_path / word) if word in ("RUN", "OUT") else word for word in words]
    assert cli.main(words) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1


def test_every_setting_of_a_run_has_its_option_and_default():
    from tf_transformer.runs.config import TrainingConfig

    options = vars(cli.make_parser().parse_args(["train", "--run", "x"]))
    assert vars(TrainingConfig()).items() <= options.items()
    options = cli.make_parser().parse_args(
        ["train", "--run", "x", "--peak", "0.5", "--no-cooldown", "--patience", "3"]
    )
    assert (options.peak, options.cooldown, options.patience) == (0.5, False, 3)


def test_errors_of_tensorflow_are_one_line_and_bugs_are_not_hidden(
    capsys, monkeypatch, tmp_path
):
    import tensorflow as tf

    from tf_transformer.runs import training

    def fail(*arguments):
        raise error

    monkeypatch.setattr(training, "train", fail)
    error = tf.errors.ResourceExhaustedError(None, None, "no memory\nstack of calls")
    assert cli.main(["train", "--run", str(tmp_path)]) == 1
    expected = "tf-transformer: ResourceExhaustedError: no memory\n"
    assert capsys.readouterr().err == expected
    error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        cli.main(["train", "--run", str(tmp_path)])


def test_a_missing_backend_is_one_line(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setitem(sys.modules, "keras", None)  # importing it fails
    assert cli.main(["info", str(tmp_path)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("Received: KERAS_BACKEND=jax")


def write_pairs(folder):
    words = ["sun", "moon", "star", "tree", "bird"]
    lines = [f"{a} {b} {c}\t{c} {b} {a}" for a in words for b in words for c in words]
    path = folder / "pairs.tsv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def lines_of(output):
    """Lines end with a line feed only; a translation may contain other separators."""
    *lines, rest = output.split("\n")
    assert rest == ""
    return lines


def new_process(*words, stdin=b""):
    command = [sys.executable, "-m", "tf_transformer", *map(str, words)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def check_input_of_a_new_process(tmp_path, run, models, from_run):
    """Standard input and files; a bad line fails alone, and is named."""
    result = new_process("translate", run, stdin=b"sun moon\r\n\nbird")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode() == from_run
    packed = tmp_path / "in.txt.gz"
    packed.write_bytes(gzip.compress(b"sun moon\n\n"))
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"bird\n\xff\xfe\n" + b"sun " * 50 + b"\n")
    result = new_process("translate", models, "--input", packed, bad)
    assert result.returncode == 1
    assert result.stdout.decode() == from_run + "\n\n"
    lines = result.stderr.decode().splitlines()
    assert len(lines) == 3, lines
    assert f"{bad}:2: not valid UTF-8" in lines[0]
    assert f"{bad}:3: A text is longer" in lines[1]
    assert "2 lines were not translated" in lines[2]


@pytest.mark.slow
def test_error_of_a_new_process_is_one_line(tmp_path):
    result = new_process("info", tmp_path / "nothing")
    assert result.returncode == 1
    assert result.stdout == b""
    assert len(result.stderr.decode().splitlines()) == 1
    assert "neither the folder of a run" in result.stderr.decode()


def check_nbest_samples_and_prefixes(run, capsys):
    """The requested number of lines per sentence, scores first, empty ones too."""
    lines = {}
    long = "sun " * 50
    for name, words in {
        "nbest": ["--nbest", "3"],
        "sample": ["--sample", "--nbest", "2", "--temperature", "2", "--seed", "4"],
        "again": ["--sample", "--nbest", "2", "--temperature", "2", "--seed", "4"],
        "prefix": ["--prefix", "star bird", "--beam-size", "2"],
    }.items():
        assert cli.main(["translate", run, "sun moon", "", long, *words]) == 1
        lines[name] = lines_of(capsys.readouterr().out)
    scores, _ = zip(*(line.split("\t") for line in lines["nbest"]), strict=True)
    scores = [float(score) for score in scores]
    assert scores[0] <= 0 == scores[3]
    assert scores[4:] == [-float("inf")] * 5
    assert [line.split("\t")[1] for line in lines["nbest"][3:]] == [""] * 6
    assert len(lines["sample"]) == 6
    assert lines["again"] == lines["sample"] != lines["nbest"]
    assert lines["prefix"][0].startswith("star bird")
    assert lines["prefix"][1:] == ["", ""]


def check_export_to_ctranslate2(run, models, capsys):
    """Version 2, next to a SavedModel; unsupported options are refused."""
    command = ["export", run, models, "--format", "ctranslate2"]
    assert cli.main([*command, "--beam-size", "2"]) == 1
    assert "--dtype or --ensemble. Received: beam_size" in capsys.readouterr().err
    assert cli.main([*command, "--dtype", "float32"]) == 1
    assert "--dtype or --ensemble. Received: dtype" in capsys.readouterr().err
    assert cli.main(["export", run, f"{models}/1"]) == 1
    assert f"Received: {models}/1, which is an export" in capsys.readouterr().err
    assert cli.main(["export", run, models, "--quantization", "int8"]) == 1
    assert "with --format ctranslate2. Received: int8" in capsys.readouterr().err
    if importlib.util.find_spec("ctranslate2") is None:
        assert cli.main(command) == 1
        assert "pip install 'tf_transformer[ctranslate2]'" in capsys.readouterr().err
        return
    assert cli.main([*command, "--quantization", "int8"]) == 0
    assert capsys.readouterr().out.split() == [f"{models}/2"]
    assert Path(models, "2", "model.bin").exists()


def num_warm_up_requests(folder):
    import tensorflow as tf

    from tf_transformer.export.warm_up import WARM_UP_FILE

    return sum(1 for _ in tf.data.TFRecordDataset(f"{folder}/{WARM_UP_FILE}"))


@pytest.mark.slow
def test_all_verbs_work_together(tmp_path, capsys):
    run, models = str(tmp_path / "run"), str(tmp_path / "models")
    settings = ["--vocab-size", "300", "--epochs", "1", "--max-length", "20"]
    settings += ["--num-encoder-layers", "1", "--num-decoder-layers", "1"]
    settings += ["--data", str(write_pairs(tmp_path))]
    assert cli.main(["train", "--run", run, *settings]) == 0
    assert cli.main(["evaluate", run, "--beam-size", "1"]) == 0
    assert '"bleu_signature"' in capsys.readouterr().out
    assert cli.main(["translate", run, "sun moon", "", "bird"]) == 0
    from_run = capsys.readouterr().out
    assert len(lines_of(from_run)) == 3

    check_nbest_samples_and_prefixes(run, capsys)
    warm_up = tmp_path / "warm_up.txt"
    warm_up.write_text("sun moon\nbird\n", encoding="utf-8")
    assert cli.main(["export", run, models, "--warm-up", str(warm_up)]) == 0
    assert capsys.readouterr().out.split() == [f"{models}/1"]
    assert num_warm_up_requests(f"{models}/1") == 2
    check_export_to_ctranslate2(run, models, capsys)
    assert cli.main(["translate", f"{models}/1", "sun moon", "", "bird"]) == 0
    assert capsys.readouterr().out == from_run
    check_input_of_a_new_process(tmp_path, run, models, from_run)
    assert cli.main(["translate", models, "sun", "--beam-size", "2"]) == 1
    assert "search settings of its export" in capsys.readouterr().err
    assert cli.main(["info", f"{models}/1"]) == 0
    assert "test, beam 1, alpha 0.6" in json.loads(capsys.readouterr().out)["scores"]
    assert cli.main(["info", run]) == 0
    assert json.loads(capsys.readouterr().out)["training"]["epochs"] == 1
