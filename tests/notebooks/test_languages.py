"""The Korean notebooks: the cells, code and outputs of the English ones."""

import copy

import pytest

from tests.notebooks.notebook_files import ENGLISH, KOREAN, PROGRAM, read

LINE = 'LANGUAGE = "{}"  # of the diagrams'


def is_diagram(output):
    return "image/svg+xml" in output.get("data", {})


def shared(notebook, language):
    """What both languages share of each cell, and how many diagrams it shows."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            yield cell.cell_type, cell.id, PROGRAM.findall(cell.source)
            continue
        for output in filter(is_diagram, cell.outputs):
            assert output.data["text/plain"].endswith(f", '{language}')")
        yield (
            *(cell.cell_type, cell.id, cell.execution_count),
            cell.source.replace(LINE.format(language), LINE),
            [LINE if is_diagram(output) else output for output in cell.outputs],
        )


def test_each_notebook_exists_in_both_languages():
    assert len(ENGLISH) >= 13
    assert [path.name for path in KOREAN] == [path.name for path in ENGLISH]


@pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.stem)
def test_code_and_outputs_are_the_same(path):
    english, korean = (
        list(shared(read(folder / path.name), folder.name))
        for folder in (path.parent, path.parents[1] / "ko")
    )
    assert korean == english


def change_code(notebook):
    [*_, cell] = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cell.source += "\nprint()"


def change_an_output(notebook):
    [*_, cell] = [cell for cell in notebook.cells if cell.get("outputs")]
    cell.outputs[0]["text"] = "another number"


def change_an_answer(notebook):
    notebook.cells[-1].source = notebook.cells[-1].source.replace("assert", "print", 1)


def remove_a_cell(notebook):
    del notebook.cells[-2]


def exchange_cells(notebook):
    cells = notebook.cells
    cells[-2], cells[-3] = cells[-3], cells[-2]


@pytest.mark.parametrize(
    "change",
    [change_code, change_an_output, change_an_answer, remove_a_cell, exchange_cells],
)
def test_a_difference_is_found(change):
    notebook = read(KOREAN[0])
    changed = copy.deepcopy(notebook)
    change(changed)
    assert list(shared(changed, "ko")) != list(shared(notebook, "ko"))


def test_a_diagram_in_the_wrong_language_is_found():
    notebook = read(KOREAN[0])
    with pytest.raises(AssertionError):
        list(shared(notebook, "en"))
