"""What every notebook holds; `test_running.py` runs them."""

import ast
import importlib
import inspect
import re

import pytest

from tests.notebooks import notebook_files
from tf_transformer.analysis.diagrams import diagram

# the packages whose names are public (CHANGELOG.md)
PUBLIC_PACKAGES = (
    *("analysis", "data", "decoding", "layers", "models", "runs", "training"),
)

PUBLIC_NAMES = {
    name
    for package in ("", *(f".{name}" for name in PUBLIC_PACKAGES))
    for name in importlib.import_module(f"tf_transformer{package}").__all__
} - {*PUBLIC_PACKAGES, "__version__"}


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


def is_bilingual(text):
    letters = re.sub(r"```.*?```|`.*?`", "", text, flags=re.S)
    return re.search("[가-힣]", letters) and re.search(r"[a-z]{2}", letters)


def test_exercises_have_hidden_answers_that_a_program_checks(notebook):
    exercises = notebook.cells[-1].source
    heading, *questions = re.split(r"^\*\*\d\.\*\*", exercises, flags=re.M)
    assert heading.startswith("## Exercises · 연습 문제\n")
    answers = notebook_files.answers(notebook)
    assert len(questions) == len(answers) >= 3
    for question, answer in zip(questions, answers, strict=True):
        assert is_bilingual(question.split("<details>")[0])
        assert is_bilingual(answer)
        [program] = notebook_files.PROGRAM.findall(answer)
        assert any(
            isinstance(node, ast.Assert) for node in ast.walk(ast.parse(program))
        )


# a class or function, and the file that defines it
LINK = re.compile(r"\[`(\w+)`\]\(\.\./(tf_transformer/[\w/]+\.py)\)")


def defined_in(path):
    tree = ast.parse((notebook_files.ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if hasattr(node, "name")}


def package_names(cell):
    """The names of the package that a cell uses: `tt...` and imports."""
    [tree] = syntax_trees(notebook_files.nbformat.v4.new_notebook(cells=[cell]))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, *names = ast.unparse(node).split(".")
            names = [name for name in names if name not in PUBLIC_PACKAGES]
            yield from names[:1] if first == "tt" else ()
        elif isinstance(node, ast.ImportFrom) and "tf_transformer." in str(node.module):
            yield from (alias.name for alias in node.names)


def test_the_text_above_a_cell_links_to_the_code_that_it_uses_first(notebook):
    linked, above = set(), None
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            above = LINK.findall(cell.source)
            for name, path in above:
                assert name in defined_in(path), (name, path)
            linked.update(name for name, _ in above)
            continue
        classes_and_functions = {
            name for name in package_names(cell) if name in PUBLIC_NAMES
        }
        assert classes_and_functions <= linked, cell.source


def test_pictures_in_outputs_are_current_and_no_output_is_a_warning(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", output.text
            svg = output.get("data", {}).get("image/svg+xml")
            if svg:
                made = re.fullmatch(
                    r"Diagram\('(\w+)', '(\w+)'\)", output.data["text/plain"]
                )
                assert svg.strip() == diagram(*made.groups()).svg.strip()
