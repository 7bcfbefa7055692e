"""The baselines of translations, compared with a plain NumPy computation."""

import collections
import importlib.util
import math
import random
import sys
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[1] / "benchmarks" / "quality" / "baselines.py"
WORDS = ("sun", "moon", "stone", "river", "stars", "run", "riverside", "sunny")


@pytest.fixture(scope="module")
def baselines():
    spec = importlib.util.spec_from_file_location("baselines", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vector(text, grams, weights):
    parts = [f" {text} "[i : i + 3] for i in range(len(text))]
    count = collections.Counter(parts)
    return np.array([count[gram] * weights[gram] for gram in grams])


def test_the_nearest_source_has_the_largest_cosine(baselines):
    chosen = random.Random(3)
    texts = [" ".join(chosen.sample(WORDS, 3)) for _ in range(23)]
    train = [(text, f"target {i}") for i, text in enumerate(texts[:17])]
    parts = [{f" {s} "[i : i + 3] for i in range(len(s))} for s, _ in train]
    grams = sorted(set().union(*parts))
    weights = {g: math.log(17 / sum(g in part for part in parts)) for g in grams}
    rows = np.stack([vector(source, grams, weights) for source, _ in train])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for text in texts[17:]:
        scores = rows @ vector(text, grams, weights)
        [found] = baselines.nearest_targets(train, [text])
        assert scores[int(found.split()[1])] == pytest.approx(scores.max())


def test_a_source_of_other_characters_has_some_target(baselines):
    train = [("one two", "eins zwei"), ("three", "drei")]
    assert baselines.nearest_targets(train, ["하나 둘", "threes"]) == [
        "eins zwei",
        "drei",
    ]


def test_each_baseline_has_a_row(baselines, tmp_path, monkeypatch, capsys):
    train, test = tmp_path / "train.tsv", tmp_path / "test.tsv"
    train.write_text("a red sun\tabcd\na moon\tefgh\nno moon\tefgh\n")
    test.write_text("the red sun\tabcd\nx y\tefgh\n")
    monkeypatch.setattr(sys, "argv", ["baselines.py", str(train), str(test)])
    baselines.main()
    rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[0] for row in rows[:3]] == [
        "| copy of the source",
        "| most frequent target",
        "| most similar training source",
    ]
    assert rows[1].endswith("| 50.0 % |")  # efgh twice: right once
    assert "tok:char" in rows[3]
