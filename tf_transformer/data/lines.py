"""Reads lines of text files strictly; errors name the line."""

import contextlib
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

TextPath = str | os.PathLike[str]

MAX_LINE_BYTES = 2**24
PACKED = (".bz2", ".xz", ".zip", ".zst")
_GZIP_MAGIC = b"\x1f\x8b"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK = "\ufeff"


def read_lines(path: TextPath) -> list[str]:
    r"""Reads the lines of a UTF-8 text file, plain or gzip.

    Only `"\n"` and `"\r\n"` end a line; other characters that Unicode calls line
    breaks stay inside it. Blanks at both ends of a line and a byte order mark are
    removed. Empty lines become `""`, so line numbers are preserved.

    Args:
        path: The file. Gzip is recognised by its first two bytes, not by the name.

    Returns:
        List of strings, one per line.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the text is not UTF-8, or contains a null character or a line of
            over 16 MiB (the error names the line); or if the whole file is one line
            with lone `"\r"`, as in old Macintosh files.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "lines.txt"
    >>> _ = path.write_bytes("나는 학생이다 \r\n\r\nlast".encode())
    >>> read_lines(path)
    ['나는 학생이다', '', 'last']
    """
    return [line.strip() for line in raw_lines(path)]


def checked_path(path: TextPath) -> Path:
    """The path of a file as a `Path`.

    Raises:
        ValueError: For anything else, such as a list of paths.
    """
    if not isinstance(path, str | os.PathLike):
        raise ValueError(
            "Files are read one by one. Expected the path of a text file. "
            f"Received: {path!r}"
        )
    return Path(path)


@contextlib.contextmanager
def open_bytes(path: TextPath) -> Iterator[BinaryIO]:
    """Opens a file for reading bytes, unpacked if it is gzip.

    Args:
        path: The file. Gzip is recognised by its first two bytes, not by the name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For several paths, and for other packed files than gzip.
    """
    path = checked_path(path)
    if path.name.lower().endswith(PACKED):
        raise ValueError(
            "This kind of packed file is not supported. Expected plain text or gzip. "
            f"Received: {path}"
        )
    if not path.exists() or path.is_dir():
        raise FileNotFoundError(
            f"The text file cannot be opened. Expected the path of an existing file, "
            f"plain or gzip. Received: {str(path)!r}"
            f"{' (a folder)' if path.is_dir() else ''}."
        )
    with path.open("rb") as binary:
        compressed = binary.peek(2)[:2] == _GZIP_MAGIC
        yield gzip.GzipFile(fileobj=binary) if compressed else binary  # pyright: ignore


def raw_lines(path: TextPath) -> Iterator[str]:
    """Yields the lines of a file without line feeds, decoded as in `read_lines`."""
    with open_bytes(path) as file:
        for number, line in enumerate(byte_lines(file, path), start=1):
            yield _decoded(line, path, number)


def byte_lines(file: BinaryIO, name: TextPath) -> Iterator[bytes]:
    """Yields the lines of an open file, with one line in memory at a time.

    Args:
        file: The file, see `open_bytes`.
        name: Its name, for messages.

    Raises:
        ValueError: If it is damaged gzip, or a line has more than `MAX_LINE_BYTES`.
    """
    number = 0
    try:
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise ValueError(
                    f"A line is too long. Expected at most {MAX_LINE_BYTES} bytes. "
                    f"Received: {name}:{number}: more."
                )
            yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"The file is damaged. Expected a complete gzip file. "
            f"Received: {str(name)!r} ({error}), after line {number}."
        ) from error


def _decoded(line: bytes, path: TextPath, number: int) -> str:
    """Decodes the line `number`, without line feed and byte order mark."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        is_utf_16 = number == 1 and line.startswith(_UTF_16_MARKS)
        kind = ", and the file begins as UTF-16 files do" if is_utf_16 else ""
        raise ValueError(
            f"The text is not valid UTF-8. Expected a UTF-8 text file, plain or gzip. "
            f"Received: {path}:{number}: the byte 0x{line[error.start]:02x} "
            f"at position {error.start} of the line{kind}."
        ) from None
    if "\0" in text:
        raise ValueError(
            "The text contains a null character, as UTF-16 and binary files do. "
            f"Expected a UTF-8 text file, plain or gzip. Received: {path}:{number}: "
            f"a null at position {text.index(chr(0))} of the line."
        )
    if number == 1:
        text = text.removeprefix(_BYTE_ORDER_MARK)
        if "\r" in text and not text.endswith("\n"):
            raise ValueError(
                "The file is one line with carriage returns inside, as old Macintosh "
                "files are. Expected lines that end with a line feed. "
                f"Received: {path}:1: {text[:40]!r}."
            )
    return text.removesuffix("\n").removesuffix("\r")
