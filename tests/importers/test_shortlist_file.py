"""Marian's file of a lexical shortlist, converted to our ids."""

import struct

import numpy as np
import pytest

from tf_transformer.importers.shortlist_file import MAGIC, read_shortlist
from tf_transformer.importers.vocabulary import Rows, Vocabularies

# their rows: 0 the end, 1 unknown, 2 "a", 3 "b"; ours: 1 unknown, 3 the end, 4 "a", ...
ROWS = np.array([-1, 1, -1, 0, 2, 3])
LISTS = [[], [1], [3, 2], [0]]


def vocabularies(is_shared=True, count=4):
    source = Rows(ROWS, ROWS >= 0, count)
    return Vocabularies(None, source, source if is_shared else Rows(*source))


def write(path, lists=LISTS, magic=MAGIC, frequent=3, extra=b""):
    offsets = np.cumsum([0, *map(len, lists)])
    tokens = [token for found in lists for token in found]
    path.write_bytes(
        struct.pack("<6Q", magic, 7, frequent, 2, len(offsets), len(tokens))
        + struct.pack(f"<{len(offsets)}Q", *offsets)
        + struct.pack(f"<{len(tokens)}I", *tokens)
        + extra
    )
    return path


def test_tokens_are_our_ids(tmp_path):
    path = write(tmp_path / "lex.bin")
    found = read_shortlist(path, vocabularies(is_shared=False))
    assert found.frequent.tolist() == [3, 1, 4]
    lists = [[0, 0], [1, 0], [0, 0], [0, 0], [5, 4], [3, 0]]
    assert found.likely.tolist() == lists
    # one vocabulary: a token of the source may be copied
    found = read_shortlist(path, vocabularies())
    assert found.likely.tolist() == [[*row, i] for i, row in enumerate(lists)]


def test_all_tokens_may_be_frequent_and_the_first_id_of_a_row_counts(tmp_path):
    path = write(tmp_path / "lex.bin", frequent=4)
    assert read_shortlist(path, vocabularies()).frequent.tolist() == [3, 1, 4, 5]
    # a piece that is not in the vocabulary has the row of the unknown token
    rows = Rows(np.append(ROWS, 1), np.append(ROWS >= 0, False), 4)
    found = read_shortlist(path, Vocabularies(None, rows, rows))
    assert found.frequent.tolist() == [3, 1, 4, 5]
    assert found.likely[:, 0].tolist() == [0, 1, 0, 0, 5, 3, 1]


@pytest.mark.parametrize(
    "changes",
    [
        {"magic": 1},
        {"extra": b"\0"},
        {"lists": LISTS[:3]},
        {"lists": [[], [4], [], []]},
        {"frequent": 5},
    ],
)
def test_another_file_is_refused(tmp_path, changes):
    path = write(tmp_path / "lex.bin", **changes)
    with pytest.raises(ValueError, match=r"lex\.bin is .* Expected"):
        read_shortlist(path, vocabularies())


def test_a_damaged_file_is_refused(tmp_path):
    path = write(tmp_path / "lex.bin")
    contents = path.read_bytes()
    later = contents[:48] + struct.pack("<2Q", 1, 1) + contents[64:]
    ones = contents[:48] + b"\1" * 64
    for damaged in (b"", contents[:20], contents[:60], ones, later):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="Expected"):
            read_shortlist(path, vocabularies())
