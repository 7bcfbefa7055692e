"""The README's programs do what the README says."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
LEAST_EXACT = 0.95


def programs():
    text = README.read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.slow
def test_short_program_translates_unseen_sentences_and_its_export_loads(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    train_and_export, load_back, _ = programs()
    names = {}
    exec(train_and_export, names)
    assert "['나는 학생이다.']" in capsys.readouterr().out
    for split in ("test", "test_combinations"):
        pairs = names["pairs"][split]
        found = names["translator"]([source for source, _ in pairs], beam_size=1)
        exact = sum(map(str.__eq__, found, (target for _, target in pairs)))
        assert exact / len(pairs) >= LEAST_EXACT, split
    exec(load_back, {})
    assert "나는 학생이다." in capsys.readouterr().out


@pytest.mark.slow
def test_corpus_loads_as_a_tensorflow_dataset(capsys):
    exec(programs()[2], {})
    assert capsys.readouterr().out.strip().endswith(".")


def test_files_that_the_readme_names_exist():
    text = README.read_text(encoding="utf-8")
    root = README.parent
    named = re.findall(r"`((?:layers|models|data|training|decoding)/[\w/]+\.py)`", text)
    assert len(named) > 10
    for name in named:
        assert (root / "tf_transformer" / name).exists(), name
    for name in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (root / name).exists(), name
