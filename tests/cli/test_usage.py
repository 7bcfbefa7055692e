"""Wrong usage of the command line is explained, and texts may follow options."""

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
