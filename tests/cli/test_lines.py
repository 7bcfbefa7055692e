"""The lines that `translate` reads."""

import gzip
import io
import sys
from types import SimpleNamespace

from tf_transformer.cli.lines import Line, file_lines
from tf_transformer.cli.verbs import _translations
from tf_transformer.data.lines import read_lines

BYTES = "\ufeff나는 학생이다\r\n\n a cat \t\nno line feed".encode()
TEXTS = ["나는 학생이다", "", "a cat", "no line feed"]


def test_lines_are_those_of_training_files(tmp_path, monkeypatch):
    """A line feed would be a token: not every normalization removes it."""
    plain, packed = tmp_path / "in.txt", tmp_path / "in.txt.gz"
    plain.write_bytes(BYTES)
    packed.write_bytes(gzip.compress(BYTES))
    assert read_lines(plain) == TEXTS
    assert [line.text for line in file_lines([plain, packed])] == TEXTS * 2
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(BYTES)))
    assert [line.text for line in file_lines([])] == TEXTS


def test_lines_that_fail_are_found_and_the_others_are_translated_together():
    calls = []

    def translate_all(texts):
        calls.append(len(texts))
        if any("long" in text for text in texts):
            raise ValueError("too long")
        return [[text.upper()] for text in texts]

    texts = ["a", "b", "long c", "d", "e", "f", "g", "long h"]
    lines = [Line(text, f"in.txt:{i}") for i, text in enumerate(texts, start=1)]
    problems = []
    found = _translations(translate_all, lines, ["-inf"], problems)
    nothing = ["-inf"]
    expected = [["A"], ["B"], nothing, ["D"], ["E"], ["F"], ["G"], nothing]
    assert found == expected
    assert problems == [("in.txt:3", "too long"), ("in.txt:8", "too long")]
    assert calls == [8, 4, 2, 2, 1, 1, 4, 2, 2, 1, 1]
