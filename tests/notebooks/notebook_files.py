"""The notebooks, read and run."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="pip install '.[notebooks]'")
nbclient = pytest.importorskip("nbclient", reason="pip install '.[notebooks]'")

PATHS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


# notebook: texts of cells and what stands there in the short form. Each claim is
# still checked, with fewer repetitions or updates.
SHORT = {
    "00_build_the_transformer": {"epochs=4": "epochs=3"},
    "02_why_divide_by_sqrt_dk": {"for seed in (1, 2)": "for seed in (1,)"},
    "09_from_pairs_to_a_served_model": {"EPOCHS = 9": "EPOCHS = 7"},
}


def shortened(notebook, changes):
    """The notebook with each text of `changes`, which occurs once, replaced."""
    for text, short in changes.items():
        [cell] = [cell for cell in notebook.cells if text in cell.source]
        cell.source = cell.source.replace(text, short)
    return notebook


def run(path, folder, short=False):
    """Runs all cells in `folder`."""
    notebook = read(path)
    if short:
        shortened(notebook, SHORT.get(path.stem, {}))
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=None, resources=resources).execute()
