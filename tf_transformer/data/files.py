"""Reads sentence pairs from text files: one table, or two parallel files."""

import itertools
import os
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tf_transformer.data.corpus import Corpus, Pair, check_pairs, split_pairs
from tf_transformer.data.lines import TextPath, raw_lines
from tf_transformer.data.tables import header_columns, table_pairs, warn_of_header


class PairStream:
    """Pairs of sentences that are read again in each iteration.

    Pairs with an empty side are skipped. A warning at the end of the first pass gives
    their number.

    Args:
        read: Function without arguments that returns an iterator over pairs.
        origin: String. Where the pairs come from, for messages.

    Raises:
        ValueError: For an item that is not a pair of texts, and at the end of a pass
            without a pair.
    """

    def __init__(self, read: Callable[[], Iterator[Pair]], origin: str):
        self.origin = origin
        self._read = read
        self._has_warned = False

    def __iter__(self) -> Iterator[Pair]:
        num_lines = num_kept = 0
        for pair in self._read():
            check_pairs([pair])
            source, target = pair
            num_lines += 1
            if not all(isinstance(side, str | bytes) for side in pair):
                raise ValueError(
                    "A side of a pair is not a text. Expected two strings, of which an "
                    f'empty one is "". Received: {pair!r} in {self.origin}'
                )
            if source and target:
                num_kept += 1
                yield source, target
        if not num_kept:
            raise ValueError(
                "There are no sentence pairs to read. Expected at least one line with "
                f"a source and a target. Received: {self.origin} with {num_lines} "
                "lines."
            )
        if num_kept < num_lines and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"Skipped {num_lines - num_kept} of {num_lines} pairs in "
                f"{self.origin}: the source or the target is empty.",
                stacklevel=2,
            )


def stream_tsv(path: TextPath) -> PairStream:
    r"""Streams pairs from a file, one per line: source, TAB, target.

    For files larger than memory. The format is described in `read_tsv`.

    Args:
        path: The file, plain or gzip.

    Returns:
        A `PairStream`, which can be iterated over any number of times.

    Raises:
        ValueError: While reading, as `read_tsv` does.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.tsv"
    >>> _ = path.write_text("a cat\t고양이\na dog\t개\n", encoding="utf-8")
    >>> pairs = stream_tsv(path)
    >>> list(pairs), len(list(pairs))
    ([('a cat', '고양이'), ('a dog', '개')], 2)
    """
    return PairStream(partial(table_pairs, path), str(path))


def stream_parallel(source: TextPath, target: TextPath) -> PairStream:
    """Streams pairs from two files, line by line.

    For files larger than memory. The format is described in `read_parallel`.

    Args:
        source: The file with the sources, plain or gzip.
        target: The file with the targets, plain or gzip.

    Returns:
        A `PairStream`, which can be iterated over any number of times.

    Raises:
        ValueError: While reading, as `read_parallel` does.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.en").write_text("a cat\\na dog\\n", encoding="utf-8")
    >>> _ = (folder / "a.ko").write_text("고양이\\n개\\n", encoding="utf-8")
    >>> list(stream_parallel(folder / "a.en", folder / "a.ko"))
    [('a cat', '고양이'), ('a dog', '개')]
    """
    origin = f"{source} and {target}"
    return PairStream(partial(_pairs_after_header, source, target, origin), origin)


def read_tsv(
    path: TextPath,
    validation: TextPath | None = None,
    test: TextPath | None = None,
) -> Corpus:
    r"""Reads a corpus from a file with one pair per line: source, TAB, target.

    Files named `.csv` or `.jsonl` are read in that format (see `table_pairs`). Other
    columns are ignored. A header is skipped with a warning, and so are pairs with an
    empty side. `read_lines` defines what a line is.

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
    pairs = list(stream_tsv(path))
    return _corpus(
        Path(path).name,
        pairs,
        None if validation is None else list(stream_tsv(validation)),
        None if test is None else list(stream_tsv(test)),
    )


def read_parallel(
    source: TextPath,
    target: TextPath,
    validation: tuple[TextPath, TextPath] | None = None,
    test: tuple[TextPath, TextPath] | None = None,
) -> Corpus:
    r"""Reads a corpus from two files; line i of `target` translates line i of `source`.

    A header is skipped with a warning, and so are pairs with an empty side.
    `read_lines` defines what a line is.

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
    pairs = list(stream_parallel(source, target))
    return _corpus(
        f"{Path(source).name}, {Path(target).name}",
        pairs,
        _parallel_split("validation", validation),
        _parallel_split("test", test),
    )


def read_pairs(source: TextPath, target: TextPath) -> list[Pair]:
    r"""Reads the pairs of two files, line by line, without skipping any.

    Args:
        source: The file with the sources, plain or gzip.
        target: The file with the targets, plain or gzip.

    Returns:
        List of pairs `(source, target)`. A side may be empty.

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
    return list(_parallel_pairs(source, target))


def _parallel_pairs(source: TextPath, target: TextPath) -> Iterator[Pair]:
    lines = itertools.zip_longest(raw_lines(source), raw_lines(target))
    num_read = 0
    for pair in lines:
        if None in pair:
            break
        num_read += 1
        yield pair[0].strip(), pair[1].strip()
    else:
        return
    num_longer = num_read + 1 + sum(1 for _ in lines)
    counts = [num_read if line is None else num_longer for line in pair]
    longer = source if pair[1] is None else target
    raise ValueError(
        f"The two files do not belong together. Expected the same number of lines. "
        f"Received: {source} with {counts[0]} lines, {target} with {counts[1]} lines: "
        f"{longer}:{num_read + 1} has no counterpart."
    )


def _pairs_after_header(source: TextPath, target: TextPath, origin: str):
    for index, pair in enumerate(_parallel_pairs(source, target)):
        if index == 0 and header_columns(list(pair)):
            warn_of_header(origin, list(pair))
        else:
            yield pair


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
    return list(stream_parallel(*paths))


def _corpus(
    name: str,
    pairs: list[Pair],
    validation: list[Pair] | None,
    test: list[Pair] | None,
) -> Corpus:
    """Splits the pairs by hash, unless there is a validation or test file."""
    if validation is None and test is None:
        return Corpus(split_pairs(pairs), name=name)
    splits = {"train": pairs, "validation": validation or [], "test": test or []}
    return Corpus(splits, name=name)
