"""The tables of verdicts in the README of the notebooks: both languages agree."""

import re
from collections import Counter

from tests.notebooks.notebook_files import ENGLISH, KOREAN, ROOT


def verdicts(document, heading):
    """Rows of the table below a heading: note, claim, where, measured, verdict."""
    text = (ROOT / "notebooks" / document).read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [row[2:-2].split(" | ") for row in re.findall(r"^\| .* \|$", section, re.M)]
    assert {len(row) for row in rows} == {5}
    return rows[1:]  # without the names of the columns


def numbers(text):
    return Counter(re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", text))


def test_both_languages_have_the_same_rows_and_numbers():
    english = verdicts("README.md", "What the study notes say, and what was measured")
    korean = verdicts("README.ko.md", "공부 노트의 말과 측정한 것")
    assert len(english) == len(korean) > 40
    for one, other in zip(english, korean, strict=True):
        assert (one[0], one[2]) == (other[0], other[2])
        assert numbers(one[3]) == numbers(other[3]), other
        assert re.search("[가-힣]", other[1] + other[4])


def test_each_row_names_sections_that_its_notebook_has():
    rows = verdicts("README.ko.md", "공부 노트의 말과 측정한 것")
    for note, _, where, *_ in rows:
        number, *sections = re.findall(r"\d+", where)
        paths = [p for p in ENGLISH + KOREAN if p.name.startswith(number)]
        assert sections and len(paths) == 2, note
        for section in sections:
            for path in paths:
                assert f"## {section}. " in path.read_text(encoding="utf-8"), where
