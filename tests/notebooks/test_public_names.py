"""Notebooks use public names only, as a user's program should."""

import ast
import inspect

from tests.notebooks import notebook_files
from tests.notebooks.package_names import aliases, public_part, tree_of, used


def private_names(tree):
    """Attributes and imports that begin with one underscore."""
    nodes = list(ast.walk(tree))
    names = [node.attr for node in nodes if isinstance(node, ast.Attribute)]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in imports for alias in node.names]
    return [name for name in names if name.startswith("_") and name[1:2] != "_"]


def names_that_are_not_public(tree):
    names = used(tree, aliases(tree))
    return [name for name in names if public_part(name) is None]


def test_uses_public_names_only(notebook):
    programs = notebook_files.programs_of_answers(notebook)
    code_cell = notebook_files.nbformat.v4.new_code_cell
    tree = tree_of([*notebook.cells, *map(code_cell, programs)])
    assert len(used(tree, aliases(tree))) > 5
    assert private_names(tree) == []
    assert names_that_are_not_public(tree) == []


def test_other_names_are_found():
    code = """
        import tf_transformer as tt
        import tf_transformer.data.lines
        from tf_transformer import analysis, corpora
        from tf_transformer.analysis import antecedents, nll
        from tf_transformer.analysis.pictures import FONT
        from tf_transformer.corpora import en_ko_grammar as grammar
        from tf_transformer.ids import PAD_ID
        from tf_transformer.runs.directory import _names

        tt.data.Tokenizer.train(tt.data.load("en_ko_grammar").train)
        tt.layers.masks.keys_mask(grammar.generate("test"), grammar.nouns.NOUNS)
        block._flatten_layers().__len__()
    """
    tree = ast.parse(inspect.cleandoc(code))
    assert sorted(private_names(tree)) == ["_flatten_layers", "_names"]
    assert sorted(set(names_that_are_not_public(tree))) == [
        "tf_transformer.analysis.antecedents",
        "tf_transformer.analysis.pictures.FONT",
        "tf_transformer.corpora",
        "tf_transformer.corpora.en_ko_grammar.nouns",
        "tf_transformer.corpora.en_ko_grammar.nouns.NOUNS",
        "tf_transformer.data.lines",
        "tf_transformer.layers.masks",
        "tf_transformer.layers.masks.keys_mask",
        "tf_transformer.runs.directory._names",
    ]
