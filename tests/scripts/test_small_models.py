"""The programs of other tasks than translation learn their task."""

import re
import sys

import pytest

from tests.scripts.load_script import load_script

pytestmark = pytest.mark.slow


@pytest.fixture
def output_of(monkeypatch, capsys):
    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        load_script(script).main()
        return capsys.readouterr().out

    return run


def test_the_classifier_finds_the_noun_of_it(output_of):
    output = output_of("classify_sentences", "--epochs", 2)
    accuracy, baseline = map(float, re.findall(r"accuracy (\d\.\d+)$", output, re.M))
    assert 0.5 <= baseline < 0.6
    assert accuracy > 0.9


def test_the_language_model_learns_and_continues(output_of):
    options = ("--epochs", 2, "--sentences", 1000)
    output = output_of("language_model", "The children", "It", *options)
    first, second = map(float, re.findall(r"val_perplexity: (\S+)", output))
    assert second < 0.7 * first
    found = re.findall(r"^  (\S.*)\n    (.*)$", output, re.M)
    assert [start for start, _ in found] == ["The children", "It"]
    assert all(text.startswith(start) and text != start for start, text in found)


def test_questions_are_answered(output_of, tmp_path):
    colours = {"sun": "yellow", "sky": "blue", "grass": "green", "snow": "white"}
    asked = (
        "what is the colour of {}?",
        "tell me the colour of {}",
        "{}: which colour?",
    )
    rows = [
        f"{form.format(f'the {size} {thing}')},it is {colour},0"
        for form in asked
        for size in ("big", "small", "old", "new", "warm", "cold", "wet", "dry")
        for thing, colour in colours.items()
    ]
    path = tmp_path / "questions.csv"
    path.write_text("\n".join(["Q,A,label", *rows]), encoding="utf-8")
    question = "what is the colour of the old snow?"
    options = ("--epochs", 60, "--vocab-size", 320)
    with pytest.warns(UserWarning, match="it is a header, 'Q A label'"):
        output = output_of("answer_questions", path, question, *options)
    assert f"  {question}\n    it is white\n" in output
