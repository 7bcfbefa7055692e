"""Every notebook, in English and Korean."""

from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(
    params=sorted(NOTEBOOKS.glob("*/*.ipynb")),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def notebook(request):
    from tests.notebooks import notebook_files

    return notebook_files.read(request.param)
