"""Every notebook runs from its first cell to its last, in an empty folder."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
nbformat = pytest.importorskip("nbformat", reason="pip install '.[notebooks]'")
nbclient = pytest.importorskip("nbclient", reason="pip install '.[notebooks]'")


def names(path):
    return path.stem


@pytest.fixture(params=NOTEBOOKS, ids=names)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def test_is_valid_and_begins_with_a_title_and_the_import_cell(notebook):
    nbformat.validate(notebook)
    title, first_code = notebook.cells[0], notebook.cells[1]
    assert title.cell_type == "markdown"
    assert title.source.startswith("# ")
    assert first_code.cell_type == "code"
    assert "tf_transformer" in first_code.source
    assert "pip install" in first_code.source


def test_is_bilingual(notebook):
    text = "".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    hangul = sum("가" <= letter <= "힣" for letter in text)
    latin = sum("a" <= letter.lower() <= "z" for letter in text)
    assert hangul > 300
    assert latin > 600


def test_imports_the_package_and_defines_nothing_that_it_has(notebook):
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    for name in ("MultiHeadAttention", "PositionalEncoding", "FeedForward", "Encoder"):
        assert f"class {name}(" not in code
    for name in ("scaled_dot_product_attention", "padding_mask", "causal_mask"):
        assert f"def {name}(" not in code


def test_was_kept_with_its_outputs(notebook):
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert sum(bool(c.outputs) for c in code) > len(code) / 2
    assert [c for c in code if any(o.output_type == "error" for o in c.outputs)] == []


@pytest.mark.slow
def test_runs_from_the_first_cell_to_the_last(notebook, tmp_path):
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=600, resources=resources).execute()
