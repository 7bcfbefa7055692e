"""Editors and type checkers see the public names."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAZY = [
    "tf_transformer",
    "tf_transformer.analysis",
    "tf_transformer.data",
    "tf_transformer.runs",
]


def names_for_type_checkers(path):
    """Names that the block `if TYPE_CHECKING` imports, with their modules."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    return {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize("name", LAZY)
def test_type_checkers_see_what_the_module_offers(name):
    module = importlib.import_module(name)
    packages = dict.fromkeys(getattr(module, "_PACKAGES", ()), "tf_transformer")
    assert names_for_type_checkers(Path(module.__file__)) == module._MODULES | packages
    assert set(module.__all__) - {"__version__"} == {*module._MODULES, *packages}


@pytest.mark.parametrize("name", LAZY)
def test_each_name_is_listed_and_found(name):
    module = importlib.import_module(name)
    assert dir(module) == sorted(module.__all__)
    for attribute in module.__all__:
        assert getattr(module, attribute) is not None
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'x'"):
        module.x  # noqa: B018


@pytest.mark.parametrize("name", LAZY)
def test_no_name_is_also_a_module(name):
    """An import of the module would put it in the name's place."""
    module = importlib.import_module(name)
    folder = Path(module.__file__).parent
    files = [path for path in folder.iterdir() if path.suffix in ("", ".py")]
    modules = {path.stem for path in files} - set(getattr(module, "_PACKAGES", ()))
    assert modules & set(module.__all__) == set()


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "tf_transformer" / "py.typed").exists()
    assert "py.typed" in (ROOT / "setup.cfg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import tf_transformer as tt\ntt.Transl", "Translator"),
        ("import tf_transformer as tt\ntt.data.read_t", "read_tsv"),
        ("import tf_transformer as tt\ntt.data.Tokenizer.tr", "train"),
        ("import tf_transformer as tt\ntt.analysis.alig", "alignment_error_rate"),
    ],
)
def test_an_editor_completes(program, expected):
    jedi = pytest.importorskip("jedi", reason="pip install '.[notebooks]'")
    found = jedi.Script(program, project=jedi.Project(ROOT)).complete()
    assert expected in {completion.name for completion in found}
