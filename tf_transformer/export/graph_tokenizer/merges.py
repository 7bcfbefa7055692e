"""Byte pair encoding in core TensorFlow ops."""

import tensorflow as tf

from tf_transformer.data.sentencepiece_model import SentencePieceModel
from tf_transformer.export.graph_tokenizer.merge_table import MergeTable
from tf_transformer.export.graph_tokenizer.pointers import reached
from tf_transformer.export.graph_tokenizer.repeats import repeats
from tf_transformer.export.graph_tokenizer.trie import Trie


class Merges(tf.Module):
    """Splits characters into the pieces of a BPE model, or of a character model.

    A text is first split into characters and user-defined symbols. Then, repeatedly,
    the two neighbours whose merged piece has the highest score are merged, the leftmost
    ones if scores are equal; user-defined symbols are never merged. No piece spans
    certain neighbours, such as the end of a word and a space, so a text consists of
    segments that are merged independently and in parallel.

    Args:
        model: A `SentencePieceModel`.

    Example:

    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> tokenizer = Tokenizer.train([("two words", "두 낱말")], vocab_size=300)
    >>> model = SentencePieceModel.parse(tokenizer.source_model)
    >>> rows, ids, _ = Merges(model)(tf.constant([[ord("w")]]), tf.constant([1]))
    >>> [model.pieces[token_id] for token_id in ids.numpy()]
    ['w']
    """

    def __init__(self, model: SentencePieceModel):
        super().__init__()
        table = MergeTable(model)
        counts = [len(parts) for parts in table.parts]
        self._has_merges, self._has_splits = bool(table.pairs), max(counts) > 1
        symbols = model.user_defined_pieces
        self._user_defined = None
        if symbols:
            self._user_defined = Trie(
                {tuple(map(ord, text)): token_id for text, token_id in symbols.items()}
            )
        self._num_symbols = table.num_symbols
        parts = [part for parts in table.parts for part in parts]
        with tf.device("CPU:0"):
            self._characters = _hash_table(table.characters, table.unknown)
            if self._has_merges:
                self._pairs = _hash_table(table.pairs, -1)
                neighbours = dict.fromkeys(sorted(table.neighbours), 1)
                self._neighbours = _hash_table(neighbours, 0)
            self._ranks = tf.constant(table.ranks)
            self._part_counts = tf.constant(counts, tf.int32)
            self._part_starts = tf.cumsum(self._part_counts, exclusive=True)
            self._part_ids = tf.constant([i for i, _ in parts], tf.int32)
            self._part_places = tf.constant([place for _, place in parts], tf.int32)

    def __call__(self, code_points, lengths):
        """Splits texts.

        Args:
            code_points: int32 tensor `(B, M)` with M > 0.
            lengths: int32 tensor `(B,)`: the characters of each text.

        Returns:
            Three int32 tensors `(N,)` over the pieces of all texts, in order: the row
            of the text, the id, and the first character. A character that is not a
            piece has the id -1.
        """
        is_character = tf.sequence_mask(lengths, tf.shape(code_points)[1])
        rows = tf.cast(tf.where(is_character)[:, 0], tf.int32)
        characters = tf.boolean_mask(code_points, is_character)
        symbols = self._characters.lookup(tf.cast(characters, tf.int64))
        starts, is_frozen = tf.range(tf.size(characters)), tf.zeros_like(rows, tf.bool)
        if self._user_defined is not None:
            sizes, ids = self._user_defined.longest_matches(code_points)
            sizes = tf.boolean_mask(sizes, is_character)
            is_frozen = sizes > 0
            ids = tf.boolean_mask(tf.cast(ids, tf.int64), is_character)
            symbols = tf.where(is_frozen, ids, symbols)
            starts = _leftmost(rows, tf.maximum(sizes, 1))
            symbols = tf.gather(symbols, starts)
            is_frozen = tf.gather(is_frozen, starts)
        if self._has_merges:
            segments = self._segments(symbols, tf.gather(rows, starts), is_frozen)
            symbols, starts = self._merged(symbols, starts, segments)
        ids, starts = self._parts(symbols, starts)
        return tf.gather(rows, starts), ids, tf.gather(characters, starts)

    def _segments(self, symbols, rows, is_frozen):
        """The number of each symbol's segment, `(N,)`; merges never join segments."""
        key = symbols[:-1] * self._num_symbols + symbols[1:]
        is_joined = tf.equal(self._neighbours.lookup(key), 1)
        is_joined &= tf.equal(rows[:-1], rows[1:])
        is_joined &= ~(is_frozen[:-1] | is_frozen[1:])
        begins = tf.cast(~is_joined, tf.int32)
        return tf.cumsum(tf.pad(begins, [[tf.minimum(tf.size(symbols), 1), 0]]))

    def _merged(self, symbols, starts, segments):
        """Merges the best pair of each segment, until no segment has one."""
        num_segments = tf.reduce_max(tf.pad(segments, [[0, 1]])) + 1

        def has_pair(symbols, starts, segments, merged):
            return tf.reduce_any(merged >= 0)

        def merge(symbols, starts, segments, merged):
            is_merge = self._is_best(segments, merged, num_segments)
            symbols = tf.where(is_merge, merged, symbols)
            is_kept = ~_right(is_merge)
            symbols, starts, segments, merged, is_merge = (
                tf.boolean_mask(tensor, is_kept)
                for tensor in (symbols, starts, segments, merged, is_merge)
            )
            # only the pairs of the new symbols have changed
            changed = tf.where(is_merge | _left(is_merge))
            pairs = self._pairs_at(symbols, segments, tf.cast(changed[:, 0], tf.int32))
            merged = tf.tensor_scatter_nd_update(merged, changed, pairs)
            return symbols, starts, segments, merged

        merged = self._pairs_at(symbols, segments, tf.range(tf.size(symbols)))
        symbols, starts, *_ = tf.while_loop(
            has_pair,
            merge,
            [symbols, starts, segments, merged],
            shape_invariants=[tf.TensorShape([None])] * 4,
        )
        return symbols, starts

    def _pairs_at(self, symbols, segments, indices):
        """The merge of each of these symbols with the next in its segment, or -1."""
        following = tf.minimum(indices + 1, tf.size(symbols) - 1)
        is_pair = following > indices
        is_pair &= tf.equal(
            tf.gather(segments, indices), tf.gather(segments, following)
        )
        key = tf.gather(symbols, indices) * self._num_symbols
        pairs = self._pairs.lookup(key + tf.gather(symbols, following))
        return tf.where(is_pair, pairs, -1)

    def _is_best(self, segments, merged, num_segments):
        indices = tf.range(tf.size(segments))
        ranks = tf.gather(self._ranks, tf.maximum(merged, 0))
        ranks = tf.where(merged >= 0, ranks, -1)
        best = tf.math.unsorted_segment_max(ranks, segments, num_segments)
        is_best = (ranks >= 0) & tf.equal(ranks, tf.gather(best, segments))
        places = tf.where(is_best, indices, tf.size(segments))
        first = tf.math.unsorted_segment_min(places, segments, num_segments)
        return tf.equal(indices, tf.gather(first, segments))

    def _parts(self, symbols, starts):
        """Ids of the symbols and their first characters; unused pieces are split."""
        first = tf.gather(self._part_starts, symbols)
        if not self._has_splits:
            return tf.gather(self._part_ids, first), starts
        indices, places = repeats(tf.gather(self._part_counts, symbols))
        parts = tf.gather(first, indices) + places
        offsets = tf.gather(self._part_places, parts)
        return tf.gather(self._part_ids, parts), tf.gather(starts, indices) + offsets


def _leftmost(rows, sizes):
    """Where the symbols of each text start, from left to right."""
    num_characters = tf.size(rows)
    is_first = tf.not_equal(rows, tf.pad(rows, [[1, 0]], constant_values=-1)[:-1])
    following = tf.range(num_characters) + sizes
    is_start = reached(
        tf.concat([is_first, [False]], 0), tf.concat([following, [num_characters]], 0)
    )
    return tf.cast(tf.where(is_start[:-1])[:, 0], tf.int32)


def _left(values):
    return tf.pad(values[1:], [[0, tf.minimum(tf.size(values), 1)]])


def _right(values):
    return tf.pad(values, [[1, 0]])[:-1]


def _hash_table(values: dict, default: int):
    return tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(list(values), tf.int64),
            tf.constant(list(values.values()), tf.int64),
        ),
        default_value=default,
    )
