"""The split of a text into pieces against all splits of it."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tf_transformer.export.graph_tokenizer.segmentation import Segmentation

pytestmark = pytest.mark.needs_tensorflow

UNKNOWN = -7.0
# small whole numbers: many splits have equal sums, and every sum is exact
SCORES = {"a": -2, "b": -3, "aa": -4, "ab": -5, "ba": -4, "aba": -6, "bbaab": -11}


def best_split(text):
    """Of the splits with the largest sum the one with the largest last pieces."""
    splits = []
    for size in range(len(text)):
        for inner in itertools.combinations(range(1, len(text)), size):
            ends = (0, *inner, len(text))
            pieces = [text[i:j] for i, j in itertools.pairwise(ends)]
            if all(piece in SCORES or len(piece) == 1 for piece in pieces):
                total = sum(SCORES.get(piece, UNKNOWN) for piece in pieces)
                splits.append((total, [len(piece) for piece in pieces[::-1]], pieces))
    return max(splits)[2] if splits else []


def test_the_best_of_all_splits_is_found():
    texts = ["", "c", "aab", "abababab", "bbaabacab", "ab" * 5]
    generator = np.random.default_rng(4)
    texts += ["".join(generator.choice([*"aabbc"], n)) for n in range(2, 12)]
    names = list(SCORES)
    ids = {piece: i for i, piece in enumerate(names)}
    segmentation = Segmentation(ids, list(SCORES.values()), UNKNOWN)
    widest = max(map(len, texts))
    characters = [[*map(ord, text), *[0] * (widest - len(text))] for text in texts]
    lengths = tf.constant([len(text) for text in texts])
    rows, found, firsts = segmentation(tf.constant(characters), lengths)
    splits = [[] for _ in texts]
    for row, piece_id, first in np.stack([rows, found, firsts], 1):
        splits[row].append(names[piece_id] if piece_id >= 0 else chr(first))
    assert splits == [best_split(text) for text in texts]
