"""Every example in a docstring of the package runs."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tf_transformer"
# of every Keras layer
LAYER_ARGUMENTS = ("name", "dtype", "trainable", "autocast", "activity_regularizer")
DOCTEST_FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def modules_with_examples():
    return [
        module_name(path)
        for path in sorted(PACKAGE.rglob("*.py"))
        if ">>> " in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_give_what_they_show(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = doctest.testmod(importlib.import_module(name), optionflags=DOCTEST_FLAGS)
    assert results.attempted > 0
    assert results.failed == 0


def public_classes(*packages):
    """Classes that a package lists in `__all__`."""
    found = []
    for package in packages:
        module = importlib.import_module(f"{PACKAGE.name}.{package}")
        for name in module.__all__:
            public = getattr(module, name)
            if inspect.isclass(public) and not issubclass(public, Exception):
                found.append(pytest.param(public, id=name))
    return found


@pytest.mark.parametrize("public", public_classes("layers", "models", "training"))
def test_public_class_explains_its_arguments_and_shows_an_example(public):
    docstring = inspect.cleandoc(public.__doc__ or "")
    if inspect.signature(public).parameters:
        assert "\nArgs:\n" in docstring
    assert re.search(r"^Example(: [^\n]+[.:])?:?\n\n>>> ", docstring, re.MULTILINE)


@pytest.mark.parametrize("public", public_classes("layers", "models", "training"))
def test_every_argument_of_a_public_class_is_explained(public):
    parameters = inspect.signature(public.__init__).parameters.values()
    args = inspect.cleandoc(public.__doc__ or "").partition("\nArgs:\n")[2]
    args = args.partition("\n\n")[0]
    explained = set(re.findall(r"^    \**(\w+): ", args, re.MULTILINE))
    for parameter in parameters:
        if parameter.name in ("self", "args", "kwargs", *LAYER_ARGUMENTS):
            continue
        assert parameter.name in explained
