"""README.md and README.ko.md agree in code, numbers, links and headings."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGLISH, KOREAN = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md")
)
FENCED = r"^```.*?^```$"
INDENTED = r"(?:^    .*\S.*\n)+"


def code(text):
    """Its blocks of code, in order."""
    fenced = re.findall(FENCED, text, re.M | re.S)
    rest = re.sub(FENCED, "", text, flags=re.M | re.S)
    return fenced + re.findall(INDENTED, rest, re.M)


def sections(text):
    """Levels of the headings, and the prose below each."""
    for pattern in (FENCED, INDENTED):
        text = re.sub(pattern, "", text, flags=re.M | re.S * (pattern == FENCED))
    _, *parts = re.split(r"^(#+) .*$", text, flags=re.M)
    return list(zip(parts[::2], parts[1::2], strict=True))


def numbers(prose):
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", prose))


def inline_code(prose):
    return Counter(re.findall(r"`[^`]+`", prose))


def links(prose):
    # each names the other
    prose = prose.replace("README.ko.md", "README.md")
    return Counter(re.findall(r"\]\((\S+?)\)", prose))


def rows(prose):
    """Number of cells in each line of its tables."""
    return [line.count("|") for line in prose.splitlines() if line.startswith("|")]


def test_both_have_the_same_code():
    assert len(code(ENGLISH)) >= 5
    assert code(KOREAN) == code(ENGLISH)


def test_both_have_the_same_headings():
    levels = [[level for level, _ in sections(text)] for text in (ENGLISH, KOREAN)]
    assert len(levels[0]) >= 6
    assert levels[1] == levels[0]


@pytest.mark.parametrize("count", [numbers, inline_code, links, rows])
def test_each_section_has_the_same(count):
    for (_, english), (_, korean) in zip(
        sections(ENGLISH), sections(KOREAN), strict=True
    ):
        assert count(korean) == count(english), korean[:200]


def test_this_file_sees_figures_and_code():
    _, prose = sections(ENGLISH)[0]
    assert "`model.fit`" in inline_code(prose)
    measured = "".join(prose for _, prose in sections(ENGLISH))
    assert {"38.64", "43.30"} <= set(numbers(measured))
    assert rows(measured)
