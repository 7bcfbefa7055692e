"""The notebooks, read and run."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="pip install '.[notebooks]'")
nbclient = pytest.importorskip("nbclient", reason="pip install '.[notebooks]'")

PATHS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


def run(path, folder):
    """Runs all cells in `folder`."""
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(read(path), timeout=600, resources=resources).execute()
