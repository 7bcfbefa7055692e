"""Notebooks 02, 04, 06, ... run from first to last cell, each in an empty folder.

In two files, so that two processes share them.
"""

import pytest

from tests.notebooks import notebook_files

PATHS = notebook_files.PATHS[1::2]


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_runs_from_the_first_cell_to_the_last(path, tmp_path):
    notebook_files.run(path, tmp_path)
