"""The tests that documents name exist, and every trap has tests."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
)
NAMED_TEST = r"`(tests/[\w/]+\.py)::(\w+)`"


def text_of(document):
    return (ROOT / document).read_text(encoding="utf-8")


def names_in(path):
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_is_named_exists(document):
    missing = {
        f"{path}::{name}"
        for path, name in re.findall(NAMED_TEST, text_of(document))
        if not (ROOT / path).exists() or name not in names_in(path)
    }
    assert missing == set()


def test_each_of_the_25_traps_has_one_row_and_its_tests():
    rows = re.findall(r"^\| \*\*(\d+)\.\*\* .*$", text_of("docs/correctness.md"), re.M)
    assert sorted(map(int, rows)) == list(range(1, 26))
    for line in text_of("docs/correctness.md").splitlines():
        if line.startswith("| **"):
            _, trap, elsewhere, here, proof, _ = line.split("|")
            assert all(cell.strip() for cell in (trap, elsewhere, here)), line
            assert re.findall(NAMED_TEST, proof), line
            # nothing that looks like a test escapes the check above
            assert proof.count("::") == len(re.findall(NAMED_TEST, proof)), line
