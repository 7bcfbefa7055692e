"""What every notebook holds; `test_running.py` runs them."""

import pytest

from tests.notebooks import notebook_files


@pytest.fixture(params=notebook_files.PATHS, ids=lambda path: path.stem)
def notebook(request):
    return notebook_files.read(request.param)


def test_is_valid_and_begins_with_a_title_and_the_import_cell(notebook):
    notebook_files.nbformat.validate(notebook)
    title, first_code = notebook.cells[0], notebook.cells[1]
    assert title.cell_type == "markdown"
    assert title.source.startswith("# ")
    assert first_code.cell_type == "code"
    assert "tf_transformer" in first_code.source
    assert "pip install" in first_code.source


def test_is_bilingual(notebook):
    text = "".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert any("가" <= letter <= "힣" for letter in text)
    assert any("a" <= letter <= "z" for letter in text)


def test_imports_the_package_and_defines_nothing_that_it_has(notebook):
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    for name in ("MultiHeadAttention", "PositionalEncoding", "FeedForward", "Encoder"):
        assert f"class {name}(" not in code
    for name in ("scaled_dot_product_attention", "padding_mask", "causal_mask"):
        assert f"def {name}(" not in code


def test_every_change_of_the_short_form_still_has_its_place():
    notebooks = {path.stem: notebook_files.read(path) for path in notebook_files.PATHS}
    for name, changes in notebook_files.SHORT.items():
        whole = notebook_files.nbformat.writes(notebooks[name])
        notebook_files.shortened(notebooks[name], changes)
        assert notebook_files.nbformat.writes(notebooks[name]) != whole


def test_was_kept_with_its_outputs(notebook):
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert sum(bool(c.outputs) for c in code) > len(code) / 2
    assert [c for c in code if any(o.output_type == "error" for o in c.outputs)] == []
