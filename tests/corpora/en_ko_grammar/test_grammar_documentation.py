"""The examples in the docstrings, and the shape of the files."""

import doctest
import importlib
import pathlib

import pytest

from tf_transformer.corpora import en_ko_grammar as grammar

FILES = sorted(pathlib.Path(grammar.__file__).parent.glob("*.py"))
PURE = [path.stem for path in FILES if path.stem not in ("__init__", "tfds_builder")]


@pytest.mark.parametrize("name", PURE)
def test_examples_run(name):
    module = importlib.import_module(f"tf_transformer.corpora.en_ko_grammar.{name}")
    assert doctest.testmod(module).failed == 0


def test_files_stay_small():
    for path in FILES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path.name
