"""Reads files with one pair per row: TAB-separated, CSV, JSON lines."""

import csv
import json
import re
import warnings
from collections.abc import Iterator

from tf_transformer.data.corpus import Pair
from tf_transformer.data.lines import PACKED, TextPath, checked_path, raw_lines

# names of source and target columns that belong together, the usual ones first
COLUMN_NAMES = (
    (
        ("source", "src", "source_text", "text"),
        ("target", "tgt", "trg", "target_text", "translation"),
    ),
    (("question", "q"), ("answer", "a")),
)
# endings of tables and their compressed forms
TABLES = tuple(
    ending + packed
    for ending in (".tsv", ".txt", ".csv", ".jsonl")
    for packed in ("", ".gz")
)
UNREADABLE = (".json", ".tmx", ".xml", ".xlsx", ".parquet", *PACKED)
_LINE_BREAK = re.compile("\r?\n")
# ISO 639-1
_CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr "
    "cs cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu "
    "gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk "
    "kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms "
    "mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro "
    "ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl "
    "tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
).replace(" ", "|")
# de, de_DE, DE, deu_Latn
_LANGUAGE = re.compile(
    f"({_CODES})([_-][A-Z]{{2}})?|{_CODES.upper()}|[a-z]{{3}}_[A-Z][a-z]{{3}}"
)
_LANGUAGE_NAMES = (
    "arabic chinese czech dutch english finnish french german greek hebrew hindi "
    "hungarian indonesian italian japanese korean polish portuguese romanian russian "
    "spanish swedish thai turkish ukrainian vietnamese "
    "ara ces deu eng fin fra hin ita jpn kor nld pol por ron rus spa swe tur ukr zho"
)


def table_pairs(path: TextPath) -> Iterator[Pair]:
    r"""Yields the pairs of a file: `.csv`, `.jsonl`, or otherwise TAB-separated.

    The first two columns are source and target. If the first row is a header, it is
    skipped with a warning, and columns named `source` and `target`, or
    `question` (`Q`) and `answer` (`A`), are used. Further columns are ignored; no row
    may have more columns than the first.
    Each line of a `.jsonl` file is an object with the keys `source` and `target`. Line
    breaks inside a text become spaces.

    Args:
        path: The file, plain or gzip.

    Raises:
        ValueError: If a row has no target or too many columns, a header has more than
            two language codes, or the format is not supported.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.csv"
    >>> _ = path.write_text('a cat,"고양이, 개"\n', encoding="utf-8")
    >>> list(table_pairs(path))
    [('a cat', '고양이, 개')]
    """
    name = checked_path(path).name.lower().removesuffix(".gz")
    if name.endswith(UNREADABLE):
        raise ValueError(
            "This file format is not supported. Expected .tsv, .csv or .jsonl, plain "
            f"or .gz. Received: {path}"
        )
    if name.endswith(".jsonl"):
        yield from _json_pairs(path)
    elif name.endswith(".csv"):
        yield from _column_pairs(path, _csv_rows(path), "comma")
    else:
        rows = enumerate(raw_lines(path), start=1)
        yield from _column_pairs(path, ((n, row.split("\t")) for n, row in rows), "TAB")


def header_columns(row: list[str]) -> tuple[int, int] | None:
    """Returns the columns of source and target if `row` is a header, otherwise `None`.

    A header names a source and a target column, or its first two columns, and no
    others, are two different languages: codes or English names.

    Example:

    >>> header_columns(["id", "source", "target"]), header_columns(["de", "en"])
    ((1, 2), (0, 1))
    """
    names = [name.strip().lower() for name in row]
    for column_names in COLUMN_NAMES:
        known = [[name for name in side if name in names] for side in column_names]
        if all(known):
            source, target = (names.index(side[0]) for side in known)
            return source, target
    return (0, 1) if _languages(row) == [0, 1] else None


def _languages(row: list[str]) -> list[int]:
    """The columns that are different languages."""
    codes = [name.strip() for name in row]
    columns = [
        i
        for i, code in enumerate(codes)
        if _LANGUAGE.fullmatch(code) or code.lower() in _LANGUAGE_NAMES.split()
    ]
    return columns if len({codes[i] for i in columns}) == len(columns) else []


def warn_of_header(origin: str, row: list[str]) -> None:
    """Warns that the first row of a file is a header."""
    warnings.warn(
        f"Skipped the first row of {origin}: it is a header, {' '.join(row)[:40]!r}.",
        stacklevel=2,
    )


def _column_pairs(path, rows, separator) -> Iterator[Pair]:
    columns, num_columns = (0, 1), None
    for number, row in rows:
        if not "".join(row).strip():
            yield "", ""
            continue
        is_first = num_columns is None
        num_columns = len(row) if is_first else num_columns
        header = header_columns(row) if is_first else None
        if header is not None:
            columns = header
            warn_of_header(str(path), row)
        elif is_first and len(row) > 2 and len(_languages(row)) > 1:
            raise ValueError(
                "The first row does not say which columns are source and target. "
                "Expected columns named source and target, or two language codes "
                f"first. Received: {path}:{number}: {' '.join(row)[:40]!r}."
            )
        elif max(columns) < len(row) and not "".join(row[num_columns:]).strip():
            yield _one_line(row[columns[0]]), _one_line(row[columns[1]])
        else:
            amount = "only one column" if len(row) == 1 else f"{len(row)} columns"
            raise ValueError(
                f"A line has {amount}. Expected a source and a target with a "
                f"{separator} between them, and no more columns than in the first "
                f"line. Received: {path}:{number}: {' '.join(row)[:40]!r}."
            )


def _csv_rows(path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader((line + "\n" for line in raw_lines(path)), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise ValueError(
            "A row is not valid CSV. Expected commas, closed double quotes and fields "
            f"of at most {csv.field_size_limit():,} characters. "
            f"Received: {path}:{reader.line_num}: {error}."
        ) from error


def _json_pairs(path) -> Iterator[Pair]:
    for number, line in enumerate(raw_lines(path), start=1):
        if not line.strip():
            yield "", ""
            continue
        try:
            row = json.loads(line)
            pair = row["source"], row["target"]
            if not all(isinstance(text, str) for text in pair):
                raise TypeError
            "".join(pair).encode()  # fails for a lone surrogate
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ValueError(
                "A line is not a pair. Expected a JSON object with the strings "
                '"source" and "target", of Unicode. Received: '
                f"{path}:{number}: {line[:40]!r}."
            ) from None
        yield _one_line(pair[0]), _one_line(pair[1])


def _one_line(text: str) -> str:
    return _LINE_BREAK.sub(" ", text).strip()
