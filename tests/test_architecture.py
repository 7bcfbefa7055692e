"""Imports between packages, sizes of files and functions: read from the source."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tf_transformer"

# A package imports only packages of lower levels.
LAYERS = {
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
    "analysis": 4,
    "diagnosis": 4,
    "importers": 4,
    "export": 5,
    "runs": 6,
    "cli": 7,
    "__main__": 8,
}
MAY_IMPORT_TENSORFLOW = (
    "analysis/images.py",
    "analysis/saved_maps.py",
    "data/tf_dataset.py",
    "diagnosis/autodiff.py",
    "corpora/en_ko_grammar/tfds_builder.py",
    "training/optimizer.py",
    "training/telemetry.py",
    "training/tensorboard.py",
    "utils/keras_compat.py",
    "utils/small_kernels.py",
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
MAX_FUNCTION_LINES = 40


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


def sources(*folders):
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


PACKAGE_FILES = sources(PACKAGE)
PROGRAM_FILES = sources(PACKAGE, ROOT / "scripts", ROOT / "benchmarks")
TEST_FILES = sources(ROOT / "tests")


@functools.cache
def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def nodes_that_run(tree):
    """All nodes of a tree except below `if TYPE_CHECKING`."""
    yield tree
    for node in ast.iter_child_nodes(tree):
        is_for_types = isinstance(node, ast.If) and (
            ast.unparse(node.test) == "TYPE_CHECKING"
        )
        if not is_for_types:
            yield from nodes_that_run(node)


def imported_modules(path):
    """Full names of what a file imports, wherever in it; relative ones resolved.

    `from a import b` gives "a.b": b may be a module or a name in a.
    """
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in nodes_that_run(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*up, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def tops_imported(path):
    return {module.split(".")[0] for module in imported_modules(path)}


def package_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def packages_imported(path):
    """Packages of ours that a file imports; "" stands for tf_transformer itself."""
    for module in imported_modules(path):
        top, *rest = module.split(".")
        if top == PACKAGE.name:
            yield rest[0] if rest and rest[0] in LAYERS else ""


def test_a_package_imports_only_lower_layers():
    wrong = set()
    for path in PACKAGE_FILES:
        package = package_of(path)
        if package == "__init__":
            continue  # it offers names of every package
        assert package in LAYERS, f"{package} has no layer yet: see LAYERS"
        for other in packages_imported(path):
            # "" stands for `from tf_transformer import name`
            if not other or (LAYERS[other] >= LAYERS[package] and other != package):
                wrong.add((name_of(path), other))
    assert wrong == set()


def test_the_document_lists_every_package_with_its_level():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    found = {}
    for level, names in re.findall(r"^\| (\d) \| ((?:`\w+`(?:, )?)+) \|", text, re.M):
        found |= dict.fromkeys(re.findall(r"\w+", names), int(level))
    assert found == {
        name: level
        for name, level in LAYERS.items()
        if name not in ("version", "__main__")
    }


def test_tensorflow_is_imported_only_where_it_is_needed():
    found = {
        name_of(path)
        for path in PACKAGE_FILES
        if "tensorflow" in tops_imported(path)
        and not name_of(path).startswith(MAY_IMPORT_TENSORFLOW)
    }
    assert found == set()


def test_nothing_forbidden_is_imported():
    for path in PROGRAM_FILES + TEST_FILES:
        assert tops_imported(path) & FORBIDDEN == set(), path


def test_files_are_short():
    lengths = {
        path.relative_to(ROOT).as_posix(): len(
            path.read_text(encoding="utf-8").splitlines()
        )
        for path in PROGRAM_FILES + TEST_FILES
    }
    assert {path: n for path, n in lengths.items() if n > MAX_FILE_LINES} == {}


def lines_of_code(function):
    """Lines from `def` to the end, without the docstring."""
    num_lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        num_lines -= docstring.end_lineno - docstring.lineno + 1
    return num_lines


def test_functions_are_short():
    too_long = {
        (path.relative_to(ROOT).as_posix(), node.name): lines_of_code(node)
        for path in PROGRAM_FILES + TEST_FILES
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and lines_of_code(node) > MAX_FUNCTION_LINES
    }
    assert too_long == {}


def test_there_is_no_assert_outside_tests():
    for path in PROGRAM_FILES:
        lines = [n.lineno for n in ast.walk(parse(path)) if isinstance(n, ast.Assert)]
        assert lines == [], path


def test_importing_the_package_loads_no_framework():
    program = (
        "import sys, tf_transformer\n"
        "assert tf_transformer.__version__\n"
        "heavy = {'tensorflow', 'keras', 'jax', 'torch', 'tensorflow_datasets'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def test_this_file_sees_imports_of_every_form(tmp_path, monkeypatch):
    """On a file made here."""
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
        "if TYPE_CHECKING:\n    from tf_transformer import runs\n"
    )
    assert list(packages_imported(path)) == ["models", "training", "", "runs", "layers"]
    assert "tensorflow.io.gfile" in imported_modules(path)
