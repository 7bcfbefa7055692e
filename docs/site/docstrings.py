"""Converts the parts of docstrings that Google's style does not have to Markdown."""

import re
import textwrap

import griffe

CALL_ARGUMENTS = re.compile(r"^Call arguments:\n((?:(?: {4}.*)?\n?)+)", re.MULTILINE)
RETURNS = re.compile(r"^Returns:\n((?: {4}.*\n?|\n(?= {4}))+)", re.MULTILINE)
ARGUMENT = re.compile(r"^ {4}(\*{0,2}\w+): ", re.MULTILINE)


class KerasDocstrings(griffe.Extension):
    """Examples (`>>>`) become blocks of code, "Call arguments:" a list.

    What is returned becomes a paragraph where the code has no type for it.
    """

    def on_object(self, *, obj: griffe.Object, **kwargs) -> None:
        if obj.docstring is not None:
            text = CALL_ARGUMENTS.sub(_call_arguments, obj.docstring.value)
            if getattr(obj, "returns", None) is None:
                text = RETURNS.sub(_returns, text)
            obj.docstring.value = _fence_examples(text)


def _call_arguments(match: re.Match) -> str:
    items = ARGUMENT.sub(r"* `\1`: ", match.group(1).rstrip())
    return f"**Call arguments:**\n\n{items}\n\n"


def _returns(match: re.Match) -> str:
    return f"**Returns:**\n\n{textwrap.dedent(match.group(1))}\n"


def _fence_examples(text: str) -> str:
    """Puts each example, from its first `>>>` to the next blank line, in a fence."""
    lines, is_open = [], False
    for line in [*text.splitlines(), ""]:
        indent = line[: len(line) - len(line.lstrip())]
        if not is_open and line.lstrip().startswith(">>>"):
            is_open, fence = True, f"{indent}```"
            lines.append(f"{fence}pycon")
        elif is_open and not line.strip():
            is_open = False
            lines.append(fence)
        lines.append(line)
    return "\n".join(lines)
