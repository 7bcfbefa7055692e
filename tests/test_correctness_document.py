"""The tests that documents name exist, and every trap has tests."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
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


def test_each_of_the_25_traps_has_a_page_with_its_tests():
    links = re.findall(
        r"^(\d+)\. \[(.*)\]\((.*)\)$", text_of("docs/correctness.md"), re.M
    )
    assert [int(number) for number, _, _ in links] == list(range(1, 26))
    pages = [f"docs/{page}" for _, _, page in links]
    assert pages == [name for name in DOCUMENTS if name.startswith("docs/correctness/")]
    for (number, title, _), page in zip(links, pages, strict=True):
        heading, *sections = re.split(
            r"^## (?=Other|This|Tests)", text_of(page), flags=re.M
        )
        assert heading == f"# {number}. {title}\n\n"
        assert [section.split("\n")[0] for section in sections] == [
            *("Other implementations", "This package", "Tests")
        ]
        named = re.findall(NAMED_TEST, sections[-1])
        assert named, page
        # nothing that looks like a test escapes the check above
        assert sections[-1].count("::") == len(named), page
