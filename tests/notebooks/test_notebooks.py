"""The contents of every notebook; `test_running.py` runs them."""

import ast
import re

from tests.notebooks import notebook_files, package_names
from tf_transformer.analysis.diagrams import diagram


def test_is_valid_and_begins_with_a_title_and_the_import_cell(notebook):
    notebook_files.nbformat.validate(notebook)
    title, first_code = notebook.cells[0], notebook.cells[1]
    assert title.cell_type == "markdown"
    assert title.source.startswith("# ")
    assert first_code.cell_type == "code"
    assert "tf_transformer" in first_code.source
    assert "pip install" in first_code.source


def test_imports_the_package_and_defines_nothing_that_it_has(notebook):
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    for name in ("MultiHeadAttention", "PositionalEncoding", "FeedForward", "Encoder"):
        assert f"class {name}(" not in code
    for name in ("scaled_dot_product_attention", "padding_mask", "causal_mask"):
        assert f"def {name}(" not in code


def test_every_change_of_the_short_form_still_has_its_place():
    notebooks = {
        path.stem: notebook_files.read(path) for path in notebook_files.ENGLISH
    }
    for name, changes in notebook_files.SHORT.items():
        whole = notebook_files.nbformat.writes(notebooks[name])
        notebook_files.shortened(notebooks[name], changes)
        assert notebook_files.nbformat.writes(notebooks[name]) != whole


def test_was_kept_with_its_outputs(notebook):
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert sum(bool(c.outputs) for c in code) > len(code) / 2
    assert [c for c in code if any(o.output_type == "error" for o in c.outputs)] == []


def test_exercises_have_hidden_answers_that_a_program_checks(notebook):
    exercises = notebook.cells[-1].source
    heading, *questions = re.split(r"^\*\*\d\.\*\*", exercises, flags=re.M)
    assert heading.startswith(("## Exercises\n", "## 연습 문제\n"))
    answers = notebook_files.answers(notebook)
    assert len(questions) == len(answers) >= 3
    for question, answer in zip(questions, answers, strict=True):
        assert question.split("<details>")[0].strip()
        [program] = notebook_files.PROGRAM.findall(answer)
        assert any(
            isinstance(node, ast.Assert) for node in ast.walk(ast.parse(program))
        )


# a class or function, and the file that defines it
LINK = re.compile(r"\[`(\w+)`\]\(\.\./\.\./(tf_transformer/[\w/]+\.py)\)")


def defined_in(path):
    tree = ast.parse((notebook_files.ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if hasattr(node, "name")}


def test_the_text_above_a_cell_links_to_the_code_that_it_uses_first(notebook):
    linked = set()
    meanings = package_names.aliases(package_names.tree_of(notebook.cells))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for name, path in LINK.findall(cell.source):
                assert name in defined_in(path), (name, path)
                linked.add(name)
            continue
        used = package_names.used(package_names.tree_of([cell]), meanings)
        names = {package_names.public_part(name) for name in used}
        # constants have no definition that a link could name
        assert {name for name in names if not name.isupper()} - {""} <= linked


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
