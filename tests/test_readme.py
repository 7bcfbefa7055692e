"""The README's programs run, and its figures equal the documents' figures."""

import re

import pytest

from tests.document_blocks import python_blocks, text_of
from tests.fast import FAST

LEAST_EXACT = 0.95
SHORT = {
    "batches(pairs.train,": "batches(pairs.train[:1500],",
    "batches(pairs.validation,": "batches(pairs.validation[:100],",
    "warmup_steps=400": "warmup_steps=40",
    "epochs=7": "epochs=1",
}


@pytest.mark.slow
def test_quickstart_translates_unseen_sentences_and_its_export_loads(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    train_and_export, load_back = python_blocks("README.md")
    names = {}
    if FAST:  # how well it learns is then what `make demo` shows
        for text, short in SHORT.items():
            assert train_and_export.count(text) == 1
            train_and_export = train_and_export.replace(text, short)
    exec(train_and_export, names)
    written = capsys.readouterr().out.splitlines()[-1]
    exec(load_back, {})
    assert f"['{capsys.readouterr().out.strip()}']" == written
    if FAST:
        return
    assert written == "['나는 학생이다.']"
    for split in ("test", "test_combinations"):
        pairs = names["pairs"][split]
        found = names["translator"]([source for source, _ in pairs], beam_size=1)
        exact = sum(map(str.__eq__, found, (target for _, target in pairs)))
        assert exact / len(pairs) >= LEAST_EXACT, split


@pytest.mark.slow
def test_corpus_loads_as_a_tensorflow_dataset(capsys):
    [program] = python_blocks("docs/data.md")
    exec(program, {})
    assert capsys.readouterr().out.strip().endswith(".")


def test_readme_results_are_those_of_the_documents():
    results = text_of("README.md").split("## Results")[1].split("\n## ")[0]
    documents = ("results", "performance", "correctness")
    known = "".join(text_of(f"docs/{name}.md") for name in documents)
    figures = re.findall(r"\d+\.\d+|\d+,\d{3}", results)
    assert len(figures) > 8
    assert [figure for figure in figures if figure not in known] == []
    traps = re.findall(r"^\d+\. \[", text_of("docs/correctness.md"), re.M)
    assert f"{len(traps)} points" in results
