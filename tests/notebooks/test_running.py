"""Every English notebook runs from its first cell to its last, in an empty folder.

`test_languages.py` compares the code of the Korean ones.
"""

import pytest

from tests.fast import FAST
from tests.notebooks import notebook_files


@pytest.mark.slow
@pytest.mark.parametrize("path", notebook_files.ENGLISH, ids=lambda path: path.stem)
def test_runs_from_the_first_cell_to_the_last(path, tmp_path):
    notebook_files.run(path, tmp_path, short=FAST)
