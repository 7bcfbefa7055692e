"""The tables of verdicts in notebooks/README.md: English and Korean agree."""

import re
from collections import Counter

from tests.notebooks.notebook_files import PATHS, ROOT

TEXT = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")


def verdicts(heading):
    """Rows of the table below a heading: note, claim, where, measured, verdict."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [row[2:-2].split(" | ") for row in re.findall(r"^\| .* \|$", section, re.M)]
    assert {len(row) for row in rows} == {5}
    return rows[1:]  # without the names of the columns


def numbers(text):
    return Counter(re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", text))


def test_both_languages_have_the_same_rows_and_numbers():
    english = verdicts("What the study notes say, and what was measured")
    korean = verdicts("공부 노트의 말과 측정한 것")
    assert len(english) == len(korean) > 40
    for one, other in zip(english, korean, strict=True):
        assert (one[0], one[2]) == (other[0], other[2])
        assert numbers(one[3]) == numbers(other[3]), other
        assert re.search("[가-힣]", other[1] + other[4])


def test_each_row_names_sections_that_its_notebook_has():
    for note, _, where, *_ in verdicts("공부 노트의 말과 측정한 것"):
        number, *sections = re.findall(r"\d+", where)
        [path] = [path for path in PATHS if path.name.startswith(number)]
        text = path.read_text(encoding="utf-8")
        assert sections, note
        for section in sections:
            assert f"## {section}. " in text, where
