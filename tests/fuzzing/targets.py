"""Finds targets by name: `MODULE.NAME`, such as `corpus_files.tsv`."""

import importlib

MODULES = (
    "graph_tokenizer",
    "corpus_files",
    "weight_files",
    "foreign_folders",
    "run_folders",
    "requests",
)


def targets_of(module):
    """The targets of a module by their whole names."""
    found = importlib.import_module(f"tests.fuzzing.{module}").TARGETS
    return {f"{module}.{target.name}": target for target in found}


def find_target(name):
    """The target of a name. Imports its module only."""
    return targets_of(name.split(".")[0])[name]
