"""Private names of Keras and other libraries: which are used, and where."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "tf_transformer"
ACCESS = {"getattr", "hasattr", "setattr"}
PUBLIC = {"_exit"}  # of `os`, documented


def is_private(name):
    return name.startswith("_") and not name.endswith("__") and name != "_"


def defined_names(tree):
    """Private names that a file defines itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(
            node.ctx, ast.Store
        ):
            yield node.attr if isinstance(node, ast.Attribute) else node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name


def private_names():
    """Private attributes that we read and do not define, by the file."""
    trees = {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    ours = {name for tree in trees.values() for name in defined_names(tree)}
    found = {}
    for path, tree in trees.items():
        names = {
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
        }
        names |= set(getattr_names(tree))
        if foreign := {name for name in names - ours - PUBLIC if is_private(name)}:
            found[path] = foreign
    return found


def getattr_names(tree):
    """Names that are strings in `getattr`, `hasattr` and `setattr`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        name = node.args[1]
        if ast.unparse(node.func) in ACCESS and isinstance(name, ast.Constant):
            yield name.value


def test_private_names_of_keras_are_used_in_one_file():
    assert private_names() == {
        "utils/keras_compat.py": {
            "_compile_loss",
            "_flatten_layers",
            "_get_variable_index",
            "_iterations",
            "_learning_rate",
            "_model_variables_moving_average",
            "_momentums",
            "_tracker",
            "_trainable_variables",
            "_user_loss_weights",
            "_velocities",
        }
    }
