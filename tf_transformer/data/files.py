"""Reads sentence pairs from text files: TAB-separated, or two files line by line."""

import contextlib
import gzip
import os
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tf_transformer.data.corpus import Corpus, Pair, split_pairs

TextPath = str | os.PathLike[str]

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = "\ufeff"


def read_lines(path: TextPath) -> list[str]:
    r"""Reads the lines of a UTF-8 text file, plain or gzip.

    Only `"\n"` and `"\r\n"` end a line; other characters that Unicode calls line
    breaks stay inside it. Blanks at both ends of a line and a byte order mark are
    removed. An empty line stays as `""`, so line numbers are kept.

    Args:
        path: The file. Gzip is recognised by the first two bytes, not by the name.

    Returns:
        List of strings, one per line.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no UTF-8 text, with the number of the first bad line.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "lines.txt"
    >>> _ = path.write_bytes("나는 학생이다 \r\n\r\nlast".encode())
    >>> read_lines(path)
    ['나는 학생이다', '', 'last']
    """
    return [line.strip() for line in _raw_lines(path)]


def read_tsv(
    path: TextPath,
    validation: TextPath | None = None,
    test: TextPath | None = None,
) -> Corpus:
    r"""Reads a corpus from a file with one pair per line: source, TAB, target.

    Further columns are ignored. Pairs with an empty side are skipped and counted in
    one warning. For what a line is, see `read_lines`.

    Args:
        path: The file with the training pairs, plain or gzip.
        validation: Optional file in the same form.
        test: Optional file in the same form. With neither `validation` nor `test`,
            `path` is split by `split_pairs`. With one of them, all of `path` is for
            training and the split without a file is empty.

    Returns:
        A `Corpus` with the splits `"train"`, `"validation"` and `"test"`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line has no TAB, the text is not UTF-8 or there are no pairs.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.tsv"
    >>> _ = path.write_text("a cat\t고양이\na dog\t개\na cow\t소\n", encoding="utf-8")
    >>> read_tsv(path, test=path).train
    [('a cat', '고양이'), ('a dog', '개'), ('a cow', '소')]
    """
    return _corpus(
        Path(path).name,
        _tsv_pairs(path),
        None if validation is None else _tsv_pairs(validation),
        None if test is None else _tsv_pairs(test),
    )


def read_parallel(
    source: TextPath,
    target: TextPath,
    validation: tuple[TextPath, TextPath] | None = None,
    test: tuple[TextPath, TextPath] | None = None,
) -> Corpus:
    r"""Reads a corpus from two files; line i of one is the translation of line i.

    Pairs with an empty side are skipped and counted in one warning. For what a line
    is, see `read_lines`.

    Args:
        source: The file with the sources, plain or gzip.
        target: The file with the targets, plain or gzip.
        validation: Optional two paths `(source, target)`.
        test: Optional two paths `(source, target)`. With neither `validation` nor
            `test`, the pairs are split by `split_pairs`. With one of them, all pairs
            of `source` and `target` are for training and the other split is empty.

    Returns:
        A `Corpus` with the splits `"train"`, `"validation"` and `"test"`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the two files differ in their number of lines, a text is not
            UTF-8 or there are no pairs.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.en").write_text("a cat\na dog\n", encoding="utf-8")
    >>> _ = (folder / "a.ko").write_text("고양이\n개\n", encoding="utf-8")
    >>> both = (folder / "a.en", folder / "a.ko")
    >>> read_parallel(*both, validation=both).validation
    [('a cat', '고양이'), ('a dog', '개')]
    """
    return _corpus(
        f"{Path(source).name}, {Path(target).name}",
        _parallel_pairs(source, target),
        _parallel_split("validation", validation),
        _parallel_split("test", test),
    )


@contextlib.contextmanager
def open_bytes(path: TextPath) -> Iterator[BinaryIO]:
    """Opens a file for reading bytes, unpacked if it is gzip.

    Args:
        path: The file. Gzip is recognised by the first two bytes, not by the name.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    path = Path(path)
    if not path.exists() or path.is_dir():
        raise FileNotFoundError(
            f"The text file cannot be opened. Expected the path of an existing file, "
            f"plain or gzip. Received: {str(path)!r}"
            f"{' (a folder)' if path.is_dir() else ''}."
        )
    with path.open("rb") as binary:
        compressed = binary.peek(2)[:2] == _GZIP_MAGIC
        yield gzip.GzipFile(fileobj=binary) if compressed else binary


def _raw_lines(path: TextPath) -> Iterator[str]:
    """Yields the lines of a file without their line feed, and checks the encoding."""
    with open_bytes(path) as lines:
        try:
            for number, line in enumerate(lines, start=1):
                yield _decoded(line, path, number)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(
                f"The file is damaged. Expected a complete gzip file. "
                f"Received: {str(path)!r} ({error})."
            ) from error


def _decoded(line: bytes, path: Path, number: int) -> str:
    """Turns the bytes of line `number` into text without line feed and mark."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"The text is not valid UTF-8. Expected a UTF-8 text file, plain or gzip. "
            f"Received: {path}:{number}: the byte 0x{line[error.start]:02x} "
            f"at position {error.start} of the line."
        ) from None
    if number == 1:
        text = text.removeprefix(_BYTE_ORDER_MARK)
    return text.removesuffix("\n").removesuffix("\r")


def _tsv_pairs(path: TextPath) -> list[Pair]:
    pairs = []
    for number, line in enumerate(_raw_lines(path), start=1):
        columns = line.split("\t")
        if len(columns) < 2 and line.strip():
            raise ValueError(
                f"A line has only one column. Expected a source and a target with a "
                f"TAB between them. Received: {path}:{number}: {line[:40]!r}."
            )
        source, target = columns[:2] if len(columns) > 1 else ("", "")
        pairs.append((source.strip(), target.strip()))
    return _without_empty(pairs, str(path))


def _parallel_pairs(source: TextPath, target: TextPath) -> list[Pair]:
    return _without_empty(read_pairs(source, target), f"{source} and {target}")


def read_pairs(source: TextPath, target: TextPath) -> list[Pair]:
    r"""Reads the pairs of two files, line by line; none is left out.

    Args:
        source: The file with the sources, plain or gzip.
        target: The file with the targets, plain or gzip.

    Returns:
        List of pairs `(source, target)`, a side may be empty.

    Raises:
        ValueError: If the files differ in their number of lines or are not UTF-8.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.en").write_text("a cat\na dog\n", encoding="utf-8")
    >>> _ = (folder / "a.ko").write_text("고양이\n개\n", encoding="utf-8")
    >>> read_pairs(folder / "a.en", folder / "a.ko")
    [('a cat', '고양이'), ('a dog', '개')]
    """
    source_lines, target_lines = read_lines(source), read_lines(target)
    if len(source_lines) != len(target_lines):
        raise ValueError(
            f"The two files do not belong together. Expected the same number of lines. "
            f"Received: {source} with {len(source_lines)} lines, "
            f"{target} with {len(target_lines)} lines."
        )
    return list(zip(source_lines, target_lines, strict=True))


def _parallel_split(
    split: str, paths: tuple[TextPath, TextPath] | None
) -> list[Pair] | None:
    if paths is None:
        return None
    if isinstance(paths, str | os.PathLike) or len(paths) != 2:
        raise ValueError(
            f"A split of a parallel corpus needs two files. Expected "
            f"{split}=(source path, target path). Received: {split}={paths!r}."
        )
    return _parallel_pairs(*paths)


def _without_empty(pairs: list[Pair], origin: str) -> list[Pair]:
    """Drops pairs with an empty side and warns once how many there were."""
    kept = [pair for pair in pairs if pair[0] and pair[1]]
    if not kept:
        raise ValueError(
            f"There are no sentence pairs to read. Expected at least one line with a "
            f"source and a target. Received: {origin} with {len(pairs)} lines."
        )
    if len(kept) < len(pairs):
        warnings.warn(
            f"Skipped {len(pairs) - len(kept)} of {len(pairs)} pairs in {origin}: "
            f"the source or the target is empty.",
            stacklevel=4,
        )
    return kept


def _corpus(
    name: str,
    pairs: list[Pair],
    validation: list[Pair] | None,
    test: list[Pair] | None,
) -> Corpus:
    """Splits by hash, unless there is a file for validation or test."""
    if validation is None and test is None:
        return Corpus(split_pairs(pairs), name=name)
    splits = {"train": pairs, "validation": validation or [], "test": test or []}
    return Corpus(splits, name=name)
