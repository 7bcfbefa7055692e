"""Lines of input, with their file and line number."""

import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from tf_transformer.data.lines import byte_lines, open_bytes


class Line(NamedTuple):
    """A line, its origin, and a message if it cannot be read."""

    text: str
    place: str
    problem: str | None = None


def argument_lines(texts: Iterable[str]) -> Iterator[Line]:
    """The arguments of the command line, one text each."""
    for number, text in enumerate(texts, start=1):
        yield Line(text, f"text {number}")


def file_lines(paths: Iterable[str]) -> Iterator[Line]:
    """Yields lines of files, plain or .gz, or of standard input.

    Blanks at both ends of a line are removed, as from the lines of training files.

    Raises:
        ValueError: If a file is damaged gzip, or a line is longer than 16 MiB.
    """
    if not paths:
        if sys.stdin is None:
            raise ValueError("There is no standard input. Expected texts or --input.")
        yield from _decoded(sys.stdin.buffer, "standard input")
    for path in paths or ():
        with open_bytes(path) as file:
            yield from _decoded(file, path)


def _decoded(file: BinaryIO, name: str) -> Iterator[Line]:
    for number, line in enumerate(byte_lines(file, name), start=1):
        place = f"{name}:{number}"
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            yield Line(text.strip(), place)
        except UnicodeDecodeError as error:
            yield Line("", place, f"not valid UTF-8 at byte {error.start}")


def is_terminal(file) -> bool:
    """Whether a file is a terminal; a closed standard input is `None`."""
    return file is not None and file.isatty()


def groups(lines: Iterable[Line], size: int) -> Iterator[list[Line]]:
    """Lines in groups of `size`, the last one shorter."""
    group = []
    for line in lines:
        group.append(line)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
