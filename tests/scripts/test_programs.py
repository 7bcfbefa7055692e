"""Each program of scripts/ runs with the options of its docstring, on little data."""

import contextlib
import io
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def run(script, *arguments):
    """What a program prints, in this process: TensorFlow is not started again."""
    path = ROOT / "scripts" / f"{script}.py"
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(io.StringIO()) as output,
    ):
        patch.setattr(sys, "argv", [str(path), *map(str, arguments)])
        runpy.run_path(str(path), run_name="__main__")
    return output.getvalue()


def run_alone(script, *arguments):
    """Returns the output of a program in a separate process."""
    answer = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    return answer.stdout


def perplexities(output):
    """Those on the validation pairs, one for each epoch, as Keras prints them."""
    return [float(found) for found in re.findall(r" val_perplexity: (\S+)", output)]


def translations(output):
    """Pairs of lines: a source two blanks in, its translation four."""
    return re.findall(r"^  (\S.*)\n    (.*)$", output, re.MULTILINE)


def test_own_pairs_become_a_saved_model(tmp_path):
    random = np.random.default_rng(7)
    words = ["sun", "moon", "star", "tree", "bird"]
    lines = [
        " ".join(chosen) + "\t" + " ".join(chosen[::-1]).upper()
        for chosen in (random.choice(words, 3 + i % 3) for i in range(900))
    ]
    (tmp_path / "pairs.tsv").write_text("\n".join(lines), encoding="utf-8")
    saved_model = tmp_path / "mine" / "1"
    output = run(
        "train_on_own_pairs",
        *(tmp_path / "pairs.tsv", saved_model),
        *("--epochs", 8, "--vocab-size", 300),
    )
    found = perplexities(output)
    assert len(found) == 8
    assert found[-1] < 0.8 * found[0]
    assert re.search(r"^BLEU = \d+\.\d\d ", output, re.MULTILINE)
    assert "nrefs:1|case:mixed|eff:no|tok:13a" in output
    expected = translations(output)
    assert len(expected) == 5
    assert any(translation for _, translation in expected)
    translate = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    texts = translate(text=tf.constant([source for source, _ in expected]))
    assert [text.decode() for text in texts["translation"].numpy()] == [
        translation for _, translation in expected
    ]


def test_changed_layers_learn():
    output = run("changed_layer", "--pairs", 300, "--epochs", 2)
    first, second = perplexities(output)
    assert second < first
    temperatures = re.findall(r"temperature: (\S+)", output)
    assert len(temperatures) == 6
    assert set(temperatures) != {"1.0000"}
    assert len(translations(output)) == 5


def test_own_loss_and_schedule_learn():
    output = run("custom_loss_and_schedule", "--pairs", 300, "--epochs", 2)
    first, second = perplexities(output)
    assert second < first
    assert len(translations(output)) == 5


def test_a_tfds_set_is_learnt_by_its_name():
    options = "--source ko --target en --pairs 300 --epochs 2"
    output = run("train_on_tfds", *options.split())
    assert "train: 20000 pairs" in output
    first, second = perplexities(output)
    assert second < first
    found = translations(output)
    assert len(found) == 5
    assert all("가" <= max(source) <= "힣" for source, _ in found)  # Hangul
