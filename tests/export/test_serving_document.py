"""The programs of docs/serving.md that need no server run on an exported folder."""

import ast
import re
import shlex
import subprocess
import sys

import pytest
import tensorflow as tf

from tests.document_blocks import commands, python_blocks, text_of
from tests.export.toy_export import make_translator

DOCUMENT = "docs/serving.md"
TEXTS = ["I am a student.", ""]


@pytest.fixture
def mine(toy_export, tmp_path, monkeypatch):
    """The toy translator as `saved_models/mine/1` of the current folder."""
    (tmp_path / "saved_models").mkdir()
    (tmp_path / "saved_models" / "mine").symlink_to(toy_export.parent)
    monkeypatch.chdir(tmp_path)
    return toy_export


@pytest.mark.long
def test_tensorflow_alone_translates(mine, capsys):
    program, *_ = python_blocks(DOCUMENT)
    exec(program, {})
    printed = capsys.readouterr().out
    [texts, scores] = re.fullmatch(r"(\[.*\]) \[(.*)\]\n", printed).groups()
    expected = [best for best, *_ in make_translator().nbest(TEXTS)]
    assert ast.literal_eval(texts) == [best.text for best in expected]
    found = [float(score) for score in scores.split()]
    assert found == pytest.approx([best.score for best in expected], rel=1e-4)


@pytest.mark.slow
@pytest.mark.full  # two processes that load TensorFlow
def test_saved_model_cli_lists_and_runs_a_signature(mine):
    shown = [
        command
        for command in commands(text_of(DOCUMENT))
        if "saved_model_cli" in command
    ]
    printed = [printed_by(command) for command in shown]
    assert len(printed) == 2
    assert "inputs['text'] tensor_info" in printed[0]
    translate = tf.saved_model.load(str(mine)).signatures["serving_default"]
    found = translate(text=tf.constant(TEXTS))["translation"].numpy()
    assert str(found) in printed[1]


def printed_by(command):
    program = "from tensorflow.python.tools.saved_model_cli import main; main()"
    arguments = shlex.split(command)[1:]
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
