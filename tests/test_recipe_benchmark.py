"""The program that trains and scores a recipe on Multi30k."""

import runpy
import sys

import numpy as np
import pytest

from tests.document_blocks import ROOT
from tf_transformer.data.lines import read_lines
from tf_transformer.runs import RunDirectory

PROGRAM = ROOT / "benchmarks" / "quality" / "recipe.py"
WORDS = ["sun", "moon", "star", "tree", "bird", "fish", "rain"]
REFERENCES = [
    " ".join(row) for row in np.random.default_rng(3).choice(WORDS, (40, 6)).tolist()
]


@pytest.fixture(scope="module")
def program():
    return runpy.run_path(str(PROGRAM))


def with_errors(places):
    """The references, some of them reversed."""
    return [
        " ".join(text.split()[::-1]) if i in places else text
        for i, text in enumerate(REFERENCES)
    ]


def test_p_is_small_for_a_clear_difference_and_large_for_as_many_errors(program):
    p_value, worse = program["p_value"], with_errors(range(0, 20))
    found = p_value(with_errors(range(2)), REFERENCES, worse, num_samples=100)
    assert found < 0.05
    found = p_value(with_errors(range(20, 40)), REFERENCES, worse, num_samples=100)
    assert found > 0.2


def test_scores_are_cased_and_lower_cased(program):
    scores = program["scores_of"]([text.upper() for text in REFERENCES], REFERENCES)
    assert scores["BLEU, lower-cased"] == "100.00"
    assert float(scores["BLEU"]) < 5
    assert scores["p"] == ""


@pytest.mark.slow
def test_both_directions_make_rows(program, tmp_path, monkeypatch):
    for split, count in (("train", 40), ("val", 5), ("test_2017_flickr", 6)):
        for language in ("de", "en"):
            lines = REFERENCES[:count]
            if language == "de":
                lines = [text.upper() for text in lines]
            text = "\n".join(lines) + "\n"
            (tmp_path / f"{split}.{language}").write_text(text, encoding="utf-8")
    words = [str(tmp_path), str(tmp_path / "runs"), "--name", "recipe"]
    words += ["--beam-size", "1", "--directions", "de-en", "--options"]
    words += ["--epochs", "1", "--vocab-size", "290", "--validation-sentences", "2"]
    words += ["--max-length", "40"]
    monkeypatch.setattr(sys, "argv", [str(PROGRAM), *words])
    program["main"]()
    lines = (tmp_path / "runs" / "recipes.md").read_text().splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines]
    assert [row[:4] for row in cells[2:]] == [
        ["recipe", "de-en", "val", "1"],
        ["recipe", "de-en", "test_2017_flickr", "1"],
    ]
    assert len(cells[2]) == len(cells[0])
    assert float(cells[2][6]) > 0
    teacher = tmp_path / "runs" / "recipe-de-en-1"
    words[words.index("recipe")] = "student"
    monkeypatch.setattr(sys, "argv", [str(PROGRAM), "--teacher", "recipe", *words])
    program["main"]()
    student = RunDirectory(tmp_path / "runs" / "student-de-en-1")
    translations = teacher / "train-beam-1.txt"
    assert student.config().train_target == (str(translations),)
    sources = read_lines(tmp_path / "train.de")
    expected = RunDirectory(teacher).translator()(sources, beam_size=1)
    assert read_lines(translations) == expected
