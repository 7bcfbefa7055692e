"""scripts/README.md lists all programs, and no others."""

import re

from tests.scripts.load_script import SCRIPTS


def test_every_program_is_listed_once():
    listed = re.findall(r"\]\((\w+\.py)\)", (SCRIPTS / "README.md").read_text())
    assert sorted(listed) == sorted(path.name for path in SCRIPTS.glob("*.py"))


def test_every_program_shows_its_command():
    for path in SCRIPTS.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert f"python scripts/{path.name}" in text.split('"""')[1], path.name
