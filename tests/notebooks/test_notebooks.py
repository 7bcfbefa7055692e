"""What every notebook holds; `test_running.py` runs them."""

import ast
import importlib
import inspect
import re

import pytest

from tests.notebooks import notebook_files

# the packages whose names are public (CHANGELOG.md)
PUBLIC_PACKAGES = (
    *("analysis", "data", "decoding", "layers", "models", "runs", "training"),
)


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


def syntax_trees(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield ast.parse(re.sub(r"^( *)%.*", r"\1pass", cell.source, flags=re.M))


def private_names(notebook):
    """Attributes and imports that begin with one underscore."""
    nodes = [node for tree in syntax_trees(notebook) for node in ast.walk(tree)]
    names = [node.attr for node in nodes if isinstance(node, ast.Attribute)]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in imports for alias in node.names]
    return [name for name in names if name.startswith("_") and name[1:2] != "_"]


def imports_past_the_public_path(notebook):
    """Names imported from a module although a public package lists them."""
    packages = {
        f"tf_transformer.{name}": importlib.import_module(f"tf_transformer.{name}")
        for name in PUBLIC_PACKAGES
    }
    public = {name for package in packages.values() for name in package.__all__}
    return [
        alias.name
        for tree in syntax_trees(notebook)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("tf_transformer.")
        and node.module not in packages
        for alias in node.names
        if alias.name in public
    ]


def test_uses_no_private_name(notebook):
    assert private_names(notebook) == []
    assert imports_past_the_public_path(notebook) == []


def test_private_names_are_found():
    code = """
        from tf_transformer.runs.directory import RunDirectory, _names
        block._flatten_layers().__len__()
    """
    cell = notebook_files.nbformat.v4.new_code_cell(inspect.cleandoc(code))
    notebook = notebook_files.nbformat.v4.new_notebook(cells=[cell])
    assert sorted(private_names(notebook)) == ["_flatten_layers", "_names"]
    assert imports_past_the_public_path(notebook) == ["RunDirectory"]


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
