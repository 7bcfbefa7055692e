"""The house keeps its floors, and its files stay small: read from the source itself."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tf_transformer"

# A room imports only rooms that stand below it.
FLOORS = {
    "version": 0,
    "ids": 0,
    "utils": 0,
    "layers": 1,
    "data": 1,
    "decoding": 1,
    "serving": 1,
    "corpora": 2,
    "models": 2,
    "inference": 3,
    "training": 3,
    "export": 4,
    "analysis": 4,
    "runs": 5,
    "cli": 6,
    "__main__": 7,
}
MAY_IMPORT_TENSORFLOW = (
    "analysis/images.py",
    "analysis/saved_maps.py",
    "data/tf_dataset.py",
    "corpora/en_ko_grammar/tfds_builder.py",
    "training/optimizer.py",
    "training/telemetry.py",
    "training/tensorboard.py",
    "utils/keras_compat.py",
    "export/",
    "serving/",
    "runs/",
)
FORBIDDEN = {
    "tensorflow_text",
    "tensorflow_addons",
    "tf_keras",
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
}
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


def sources(*folders):
    found = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return pytest.mark.parametrize(
        "path", found, ids=[path.relative_to(ROOT).as_posix() for path in found]
    )


PACKAGE_FILES = sources(PACKAGE)
PROGRAM_FILES = sources(PACKAGE, ROOT / "scripts", ROOT / "benchmarks")


@functools.cache
def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_modules(path):
    """Full names of what a file imports, wherever in it; relative ones resolved.

    `from a import b` gives "a.b": b may be a module or a name in a.
    """
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*up, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def room_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def rooms_imported(path):
    """Rooms of ours that a file imports; "" stands for the package itself."""
    for module in imported_modules(path):
        top, *rest = module.split(".")
        if top == PACKAGE.name:
            yield rest[0] if rest and rest[0] in FLOORS else ""


@PACKAGE_FILES
def test_a_room_imports_only_rooms_below_it(path):
    room = room_of(path)
    if room == "__init__":
        return  # the front door opens on every room
    assert room in FLOORS, f"{room} has no floor yet: see FLOORS"
    for other in rooms_imported(path):
        assert other, f"{name_of(path)} imports a name through the package's front door"
        is_below = FLOORS[other] < FLOORS[room]
        assert is_below or other == room, f"{room} must not import {other}"


@PACKAGE_FILES
def test_tensorflow_is_imported_only_where_it_is_needed(path):
    if not name_of(path).startswith(MAY_IMPORT_TENSORFLOW):
        tops = {module.split(".")[0] for module in imported_modules(path)}
        assert "tensorflow" not in tops


@sources(PACKAGE, ROOT / "scripts", ROOT / "benchmarks", ROOT / "tests")
def test_nothing_forbidden_is_imported(path):
    tops = {module.split(".")[0] for module in imported_modules(path)}
    assert tops & FORBIDDEN == set()


@PROGRAM_FILES
def test_file_is_short(path):
    num_lines = len(path.read_text(encoding="utf-8").splitlines())
    assert num_lines <= MAX_FILE_LINES


def lines_of_code(function):
    """Lines from `def` to the end, without the docstring."""
    num_lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        num_lines -= docstring.end_lineno - docstring.lineno + 1
    return num_lines


@PROGRAM_FILES
def test_functions_are_short(path):
    too_long = {
        node.name: lines_of_code(node)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and lines_of_code(node) > MAX_FUNCTION_LINES
    }
    assert too_long == {}


@PROGRAM_FILES
def test_there_is_no_assert_outside_tests(path):
    lines = [n.lineno for n in ast.walk(parse(path)) if isinstance(n, ast.Assert)]
    assert lines == []


def test_importing_the_package_loads_no_framework():
    program = (
        "import sys, tf_transformer\n"
        "assert tf_transformer.__version__\n"
        "heavy = {'tensorflow', 'keras', 'jax', 'torch', 'tensorflow_datasets'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def test_this_file_sees_imports_of_every_form(tmp_path, monkeypatch):
    """The reader itself, on a room made up here."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "tf_transformer")
    path = tmp_path / "tf_transformer" / "layers" / "made_up.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import tf_transformer.models as m\n"
        "from tf_transformer import training, Translator\n"
        "from ..runs.config import Config\n"
        "from . import masks\n"
        "def f():\n    from tensorflow.io import gfile\n"
    )
    assert list(rooms_imported(path)) == ["models", "training", "", "runs", "layers"]
    assert "tensorflow.io.gfile" in imported_modules(path)
