"""The program that trains and scores a recipe on Multi30k."""

import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

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
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PROGRAM.parent))  # as `python recipe.py` does
        return runpy.run_path(str(PROGRAM))


@pytest.fixture(scope="module")
def scores_program():
    return runpy.run_path(str(PROGRAM.with_name("scores.py")))


def with_errors(places):
    """The references, some of them reversed."""
    return [
        " ".join(text.split()[::-1]) if i in places else text
        for i, text in enumerate(REFERENCES)
    ]


def test_p_is_small_for_a_clear_difference_and_large_for_as_many_errors(scores_program):
    p_value, worse = scores_program["p_value"], with_errors(range(0, 20))
    found = p_value(with_errors(range(2)), REFERENCES, worse, num_samples=100)
    assert found < 0.05
    found = p_value(with_errors(range(20, 40)), REFERENCES, worse, num_samples=100)
    assert found > 0.2


def test_scores_are_cased_and_lower_cased(scores_program):
    scores = scores_program["scores_of"](
        [text.upper() for text in REFERENCES], REFERENCES
    )
    assert scores["bleu_lowercase"] == 100
    assert scores["bleu"] < 5
    assert "case:lc" in scores["bleu_lowercase_signature"]
    assert "case:mixed" in scores["bleu_signature"]
    assert scores["p"] is None


def test_runs_of_both_directions_translate_their_side(program, monkeypatch):
    def translations_of(run, source, beam_size):
        return Path(f"{source.name} by {run.name}, beam {beam_size}")

    functions = program["training_files"].__globals__
    monkeypatch.setitem(functions, "translations_of", translations_of)
    monkeypatch.setitem(functions, "data_file", lambda *names: Path(names[-1]))
    runs = [Path("runs/a-de-en-1"), Path("runs/b-en-de-2")]
    options = SimpleNamespace(data=None, teacher=None, diversify=runs, beam_size=3)

    def pairs(*direction):
        sources, targets = program["training_files"](options, *direction)
        return [(str(s), str(t)) for s, t in zip(sources, targets, strict=True)]

    assert pairs("de", "en") == [
        ("de", "en"),
        ("de", "de by a-de-en-1, beam 3"),
        ("en by b-en-de-2, beam 3", "en"),
    ]
    assert pairs("en", "de") == [
        ("en", "de"),
        ("de by a-de-en-1, beam 3", "de"),
        ("en", "en by b-en-de-2, beam 3"),
    ]


def test_a_run_without_a_direction_in_its_name_is_an_error(program):
    runs = [Path("runs/best")]
    options = SimpleNamespace(data=Path(), teacher=None, diversify=runs, beam_size=3)
    with pytest.raises(SystemExit, match="NAME-de-en-1. Received: --diversify runs/be"):
        program["training_files"](options, "de", "en")


def test_a_baseline_without_translations_is_an_error_before_training(
    program, tmp_path, monkeypatch
):
    words = [str(PROGRAM), str(tmp_path), str(tmp_path), "--name", "recipe"]
    monkeypatch.setattr(sys, "argv", [*words, "--baseline", "best", "--seed", "3"])
    with pytest.raises(
        SystemExit, match="Received: --baseline best --seed 3 and no .*/best-de-en-3$"
    ):
        program["main"]()


def test_the_curve_adds_the_seconds_of_the_epochs(program, tmp_path):
    lines = [{"seconds": 90.0, "bleu": 3.5}, {"seconds": 66.0, "bleu": 2.25}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "log.jsonl").write_text(text)
    assert program["learning_curve"](tmp_path) == [
        {"minutes": 1.5, "bleu": 3.5},
        {"minutes": 2.6, "bleu": 2.25},
    ]


def test_one_model_reads_a_tag_of_the_target_language(program, tmp_path):
    write_corpus(tmp_path)
    directions = ["de-en", "en-de"]
    options = SimpleNamespace(
        **{"data": tmp_path, "runs": tmp_path / "runs", "name": "both", "seed": 3},
        directions=directions,
    )
    sources, targets, *valid = program["tagged_files"](options)
    to_english, to_german = map(read_lines, sources)
    assert to_english == [f"<2en> {text.upper()}" for text in REFERENCES]
    assert to_german == [f"<2de> {text}" for text in REFERENCES]
    assert [path.name for path in targets] == ["train.en", "train.de"]
    first, second = list(zip(*map(read_lines, valid), strict=True))[:2]
    assert first == (f"<2en> {REFERENCES[0].upper()}", REFERENCES[0])
    assert second == (f"<2de> {REFERENCES[0]}", REFERENCES[0].upper())


def write_corpus(folder):
    for split, count in (("train", 40), ("val", 5), ("test_2017_flickr", 6)):
        for language in ("de", "en"):
            lines = REFERENCES[:count]
            if language == "de":
                lines = [text.upper() for text in lines]
            text = "\n".join(lines) + "\n"
            (folder / f"{split}.{language}").write_text(text, encoding="utf-8")


def train(program, folder, monkeypatch, *arguments, directions=("de-en",)):
    """Trains, by default from German to English; returns the rows of all recipes."""
    words = [str(PROGRAM), str(folder), str(folder / "runs"), *arguments]
    words += ["--beam-size", "1", "--directions", *directions, "--options"]
    words += ["--epochs", "1", "--vocab-size", "300", "--validation-sentences", "2"]
    words += ["--max-length", "40"]
    monkeypatch.setattr(sys, "argv", words)
    program["main"]()
    lines = (folder / "runs" / "results.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.slow
def test_a_recipe_makes_rows(program, tmp_path, monkeypatch):
    write_corpus(tmp_path)
    rows = train(program, tmp_path, monkeypatch, "--name", "recipe")
    keys = ("recipe", "direction", "set", "seed")
    assert [[row[key] for key in keys] for row in rows] == [
        ["recipe", "de-en", "val", 1],
        ["recipe", "de-en", "test_2017_flickr", 1],
    ]
    tables = runpy.run_path(str(PROGRAM.with_name("results.py")))["tables"](rows)
    assert "| recipe | de-en | val | 1 | " in tables


@pytest.mark.slow
@pytest.mark.full
def test_a_student_learns_the_translations_of_its_teacher(
    program, tmp_path, monkeypatch
):
    write_corpus(tmp_path)
    train(program, tmp_path, monkeypatch, "--name", "recipe")
    teacher = tmp_path / "runs" / "recipe-de-en-1"
    train(program, tmp_path, monkeypatch, "--name", "student", "--teacher", "recipe")
    student = RunDirectory(tmp_path / "runs" / "student-de-en-1")
    translations = teacher / "train-beam-1.txt"
    assert student.config().train_target == (str(translations),)
    sources = read_lines(tmp_path / "train.de")
    expected = RunDirectory(teacher).translator()(sources, beam_size=1)
    assert read_lines(translations) == expected


@pytest.mark.slow
@pytest.mark.full
def test_one_model_has_rows_and_translations_of_both_directions(
    program, tmp_path, monkeypatch
):
    write_corpus(tmp_path)
    both = ["de-en", "en-de"]
    arguments = ["--name", "both", "--one-model"]
    rows = train(program, tmp_path, monkeypatch, *arguments, directions=both)
    assert [row["direction"] for row in rows] == ["de-en", "de-en", "en-de", "en-de"]
    run = tmp_path / "runs" / "both-1"
    symbols = RunDirectory(run).config().user_defined_symbols
    assert symbols == ("<2en>", "<2de>")
    sources = [f"<2de> {text}" for text in read_lines(tmp_path / "val.en")]
    expected = RunDirectory(run).translator()(sources, beam_size=1)
    assert read_lines(run.with_name("both-en-de-1") / "val.txt") == expected
