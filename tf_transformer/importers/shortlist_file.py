"""Reads the lexical shortlist of Marian's int8 engines, `lex*.s2t.bin`."""

from pathlib import Path

import numpy as np

from tf_transformer.importers.vocabulary import Vocabularies
from tf_transformer.inference.shortlist import LexicalShortlist

MAGIC = 0xF11A48D5013417F5
HEADER = 6 * 8  # bytes


def read_shortlist(path: Path, vocabularies: Vocabularies) -> LexicalShortlist:
    """Reads a file and converts its tokens to our ids.

    Six little-endian uint64 (a magic number, a checksum, the number of frequent tokens,
    the maximum number of tokens for a source token, the sizes of two arrays) come
    first. Then follow the arrays: uint64 offsets of each source token's list, and
    uint32 target tokens.

    With one vocabulary for both sides, a token of the source is allowed too, as in
    Marian.

    Args:
        path: The file.
        vocabularies: The model's vocabularies.

    Raises:
        ValueError: If the file is damaged, or belongs to another vocabulary.
    """
    frequent, offsets, tokens = _read_arrays(path, vocabularies)
    source, target = vocabularies.source, vocabularies.target
    our_ids = np.zeros(target.count, "int32")
    ids = np.flatnonzero(target.rows >= 0)
    our_ids[target.rows[ids[::-1]]] = ids[::-1]  # a row's first id counts
    lists = [
        our_ids[tokens[offsets[row] : offsets[row + 1]]] if row >= 0 else tokens[:0]
        for row in source.rows
    ]
    likely = np.zeros((len(lists), max(map(len, lists)) + (source is target)), "int32")
    for token_id, (row, targets) in enumerate(zip(likely, lists, strict=True)):
        row[: len(targets)] = targets
        if source is target:
            row[-1] = token_id
    return LexicalShortlist(our_ids[:frequent], likely)


def _read_arrays(path: Path, vocabularies: Vocabularies):
    data = path.read_bytes()
    num_rows, count = vocabularies.source.count, vocabularies.target.count
    header = np.frombuffer(data[:HEADER], "<u8") if len(data) >= HEADER else [0] * 6
    magic, _, frequent, _, num_offsets, num_tokens = map(int, header)
    size = HEADER + 8 * num_offsets + 4 * num_tokens
    if magic != MAGIC or len(data) != size or num_offsets != num_rows + 1:
        raise ValueError(
            f"{path} is not the shortlist of this model. Expected lists for {num_rows} "
            f"tokens. Received: {len(data)} bytes, {num_offsets} offsets"
        )
    offsets = np.frombuffer(data, "<u8", num_offsets, HEADER).astype("int64")
    tokens = np.frombuffer(data, "<u4", num_tokens, HEADER + 8 * num_offsets)
    is_rising = offsets[0] == 0 and (np.diff(offsets) >= 0).all()
    if not (is_rising and offsets[-1] == num_tokens and frequent <= count) or (
        tokens.size and tokens.max() >= count
    ):
        raise ValueError(
            f"{path} is damaged. Expected rising offsets and tokens below {count}. "
            "Received: others"
        )
    return frequent, offsets, tokens
