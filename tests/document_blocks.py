"""The programs and commands in the documents."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
INDENTED = re.compile(r"(?:^    .*\n)+", re.M)


def text_of(document):
    return (ROOT / document).read_text(encoding="utf-8")


def python_blocks(document):
    """The Python programs of a document, in order."""
    return [
        block for kind, block in FENCE.findall(text_of(document)) if kind == "python"
    ]


def outputs(document):
    """What the programs of a document print, in order: its blocks of kind `text`."""
    return [block for kind, block in FENCE.findall(text_of(document)) if kind == "text"]


def commands(text):
    """The commands that a text shows, one string each, without what they print.

    Where a block has lines that begin with `$`, only these are commands.
    """
    blocks = [
        block for kind, block in FENCE.findall(text) if kind not in ("python", "text")
    ]
    blocks += INDENTED.findall(FENCE.sub("", text) + "\n")
    for block in blocks:
        lines = re.sub(r"\\\n\s*", "", block).splitlines()
        marked = [line.split("$ ")[1] for line in lines if re.match(r" *\$ ", line)]
        yield from _joined(marked or filter(_is_no_output, lines))


def _is_no_output(line):
    return line.strip() and not line.lstrip().startswith(("#", "{", "[{"))


def _joined(lines):
    """Lines, together where a quotation goes over several."""
    command = ""
    for line in lines:
        command = f"{command} {line.strip()}".strip()
        try:
            shlex.split(command, comments=True)
        except ValueError:  # no closing quotation
            continue
        yield command
        command = ""
