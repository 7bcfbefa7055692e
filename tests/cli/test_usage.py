"""Wrong usage of the command line is explained, and texts may follow options."""

import argparse
import os
import re

import pytest

from tf_transformer import cli


def test_texts_may_follow_options():
    words = ["a", "--nbest", "2", "b c", "--beam-size", "3", "d"]
    options = cli._parsed(["translate", "runs/mine", *words])
    assert options.text == ["a", "b c", "d"]
    assert (options.nbest, options.beam_size) == (2, 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["translate", "runs/mine", "a", "--nbset", "2"], "unrecognized.*--nbset 2"),
        (["info", "runs/mine", "other"], "unrecognized arguments: other"),
        (
            ["translate", "runs/mine", "--beam-size", "two"],
            "expected an integer of at least 1. Received: two",
        ),
        (["translate", "runs/mine", "--nbest", "0"], "at least 1. Received: 0"),
        (["serve", "models", "--port", "abc"], "from 0 to 65535. Received: abc"),
        (["serve", "models", "--port", "65536"], "from 0 to 65535. Received: 65536"),
    ],
)
def test_wrong_words_exit_with_2(words, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(words)
    _, _, last_line = capsys.readouterr().err.rstrip().rpartition("\n")
    assert re.search(message, last_line)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["translate", "runs/mine", "a"], 0, ""),
        (["train", "--run", "runs/mine"], 1, "has stopped. Run the same command again"),
        (["evaluate", "runs/mine"], 1, "so `evaluate` has stopped.\n"),
    ],
)
def test_only_a_verb_that_prints_may_lose_its_reader(
    words, status, message, capfd, monkeypatch
):
    def verb(options):
        raise BrokenPipeError

    verb.__name__ = words[0]
    parsed = cli._parsed
    monkeypatch.setattr(
        cli,
        "_parsed",
        lambda words: argparse.Namespace(**vars(parsed(words)) | {"verb": verb}),
    )
    stdout = os.dup(1)
    assert cli.main(words) == status
    os.dup2(stdout, 1)
    assert message in capfd.readouterr().err


def test_more_translations_than_hypotheses_are_refused(capsys, tmp_path):
    assert cli.main(["translate", str(tmp_path), "--nbest", "6", "a"]) == 1
    assert "(--nbest) must lie between 1 and beam_size" in capsys.readouterr().err


@pytest.mark.needs_tensorflow
def test_a_saved_model_of_another_program_is_refused(capsys, tmp_path):
    import tensorflow as tf

    module = tf.Module()
    spec = tf.TensorSpec([None], tf.string)
    call = tf.function(lambda text: {"y": text}, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path), signatures=call)
    for words in (["info", str(tmp_path)], ["translate", str(tmp_path), "a"]):
        assert cli.main(words) == 1
        line = capsys.readouterr().err.splitlines()[-1]
        assert "Expected a folder that tf-transformer export has written" in line
        assert line.endswith(
            f"Received: {tmp_path} with the signatures serving_default"
        )
