"""Sentence pairs as ids, with all ids of a side in one array."""

from array import array
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

import numpy as np

from tf_transformer.data.corpus import Pair, check_pairs
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.ids import EOS_ID, PAD_ID

_PAIRS_PER_CHUNK = 10_000


class Side(NamedTuple):
    """All sentences of one side: `ids[offsets[i]:][:lengths[i]]` is sentence i."""

    ids: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray

    def padded(self, rows: np.ndarray, shape: tuple[int, int] | None) -> np.ndarray:
        """Stacks the sentences `rows` into a padded array.

        Args:
            rows: Numbers of the sentences.
            shape: Optional (rows, length). By default, one row per sentence, with
                the length of the longest.
        """
        lengths = self.lengths[rows][:, None]
        ids = np.full(shape or (len(rows), lengths.max()), PAD_ID, np.int32)
        positions = np.arange(ids.shape[1])
        real = positions < lengths
        ids[: len(rows)][real] = self.ids[
            (self.offsets[rows][:, None] + positions)[real]
        ]
        return ids


class EncodedPairs(NamedTuple):
    """Pairs as ids.

    Attributes:
        sources: The `Side` of the sources.
        targets: The `Side` of the targets.
        num_dropped: Integer. Dropped pairs: too long or blank.
    """

    sources: Side
    targets: Side
    num_dropped: int

    @property
    def num_pairs(self) -> int:
        """The number of pairs that were not dropped."""
        return len(self.targets.lengths)


def encode_pairs(
    pairs: Iterable[Pair], tokenizer: Tokenizer, max_length: int
) -> EncodedPairs:
    """Encodes pairs in chunks. Blank and too long pairs are dropped and counted.

    Args:
        pairs: Pairs `(source, target)`. Read once.
        tokenizer: `Tokenizer`, or an object with its `encode_source` and
            `encode_target`, which yield the end token 3 last and no padding 0.
        max_length: Integer. Maximum number of tokens in a sentence, end token included.

    Raises:
        ValueError: If an item is not a pair, or the tokenizer yields other ids.

    Example:

    >>> pairs = [("a cat sat", "고양이가 앉았다"), ("a dog", " ")]
    >>> encoded = encode_pairs(pairs, Tokenizer.train(pairs, vocab_size=320), 64)
    >>> encoded.num_pairs, encoded.num_dropped
    (1, 1)
    """
    sides = (array("i"), array("i")), (array("i"), array("i"))
    num_dropped, remaining = 0, iter(pairs)
    while chunk := list(islice(remaining, _PAIRS_PER_CHUNK)):
        check_pairs(chunk)
        check_tokenizer(tokenizer)
        sources, targets = (list(texts) for texts in zip(*chunk, strict=True))
        source_ids = tokenizer.encode_source(sources)
        target_ids = tokenizer.encode_target(targets)
        for texts, *pair_ids in zip(chunk, source_ids, target_ids, strict=True):
            fits = all(1 < len(ids) <= max_length for ids in pair_ids)
            if not (fits and all(text.strip() for text in texts)):
                num_dropped += 1
                continue
            for (side_ids, lengths), ids in zip(sides, pair_ids, strict=True):
                side_ids.extend(ids)
                lengths.append(len(ids))
    encoded = EncodedPairs(_side(*sides[0]), _side(*sides[1]), num_dropped)
    _check_ids(encoded, tokenizer)
    _check_ends(encoded.sources)
    _check_ends(encoded.targets)
    return encoded


def check_tokenizer(tokenizer) -> None:
    """Checks that an object can be used in place of a `Tokenizer`.

    Raises:
        TypeError: If it has not the methods of one, as tokenizers of other packages.
    """
    if not all(hasattr(tokenizer, name) for name in ("encode_source", "encode_target")):
        raise TypeError(
            "Expected a tf_transformer.data.Tokenizer, or an object with its methods "
            "encode_source and encode_target. Tokenizer.from_files reads a "
            f"SentencePiece model. Received: {type(tokenizer).__name__}"
        )


def _check_ends(side: Side) -> None:
    """Checks that each sentence has one end token, the last one, and no padding."""
    is_end = np.zeros(side.ids.shape, bool)
    is_end[side.offsets + side.lengths - 1] = True
    wrong = (side.ids == EOS_ID) != is_end
    wrong |= side.ids == PAD_ID
    if not wrong.any():
        return
    row = np.searchsorted(side.offsets, np.argmax(wrong), side="right") - 1
    ids = side.ids[side.offsets[row] :][: side.lengths[row]]
    raise ValueError(
        f"The tokenizer yields other special ids. Expected the end token {EOS_ID} last "
        f"and only there, and no padding {PAD_ID}. Received: {ids[:20].tolist()}"
    )


def _check_ids(encoded: EncodedPairs, tokenizer: Tokenizer) -> None:
    """Checks the ids against the tokenizer's vocabulary, if it has a known size."""
    vocab_size = getattr(tokenizer, "vocab_size", None)
    target_vocab_size = getattr(tokenizer, "target_vocab_size", None) or vocab_size
    for name, side, size in (
        ("vocab_size", encoded.sources, vocab_size),
        ("target_vocab_size", encoded.targets, target_vocab_size),
    ):
        if size is None or not side.ids.size:
            continue
        least, largest = int(side.ids.min()), int(side.ids.max())
        if least < 0 or largest >= size:
            raise ValueError(
                "The tokenizer yields ids outside its vocabulary. Expected ids "
                f"from 0 to {size - 1} for its {name}={size}. Received: "
                f"{least if least < 0 else largest}"
            )


def _side(ids: array, lengths: array) -> Side:
    counts = np.array(lengths, np.int64)
    return Side(np.array(ids, np.int32), np.cumsum(counts) - counts, counts)
