"""The lines that `translate` reads."""

import gzip
import io
import sys
from types import SimpleNamespace

from tf_transformer.cli.lines import file_lines
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
