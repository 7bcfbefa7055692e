"""The names of the package that a notebook uses, and which of them are public."""

import ast
import importlib
import re

# the packages whose names are public (CHANGELOG.md)
PACKAGES = (
    *("tf_transformer", "tf_transformer.analysis", "tf_transformer.data"),
    *("tf_transformer.corpora.en_ko_grammar", "tf_transformer.decoding"),
    *("tf_transformer.layers", "tf_transformer.models", "tf_transformer.runs"),
    "tf_transformer.training",
)


def _public():
    """The public names of each package, and the ids."""
    public = {
        name: set(importlib.import_module(name).__all__)
        - {package.rpartition(".")[2] for package in PACKAGES}
        for name in PACKAGES
    }
    ids = importlib.import_module("tf_transformer.ids")
    public["tf_transformer.ids"] = {name for name in dir(ids) if name.isupper()}
    return public


PUBLIC = _public()


def public_part(name):
    """The public name in a dotted name: "Tokenizer" in `...data.Tokenizer.train`.

    "" is a package itself, None a name that is not public.
    """
    if name in PUBLIC:
        return ""
    for package, names in PUBLIC.items():
        first = name.removeprefix(f"{package}.").split(".")[0]
        if name.startswith(f"{package}.") and first in names:
            return first
    return None


def tree_of(cells):
    """The code of some cells, without IPython's own commands."""
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return ast.parse(re.sub(r"^( *)%.*", r"\1pass", code, flags=re.M))


def aliases(tree):
    """Names in the code and what they stand for, as its imports say."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def used(tree, meanings):
    """The package's names in imports and attributes, dotted and in full."""
    names = list(aliases(tree).values())
    for node in ast.walk(tree):
        first, *others = _dotted(node)
        if first in meanings and others:
            names.append(".".join([meanings[first], *others]))
    return [name for name in names if name.split(".")[0] == "tf_transformer"]


def _dotted(node):
    """The parts of `a.b.c`."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id if isinstance(node, ast.Name) else None, *reversed(parts)]
