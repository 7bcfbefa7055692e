"""SentencePiece's normalization in core TensorFlow ops."""

import numpy as np
import tensorflow as tf

from tf_transformer.data.sentencepiece_model import SentencePieceModel
from tf_transformer.export.graph_tokenizer import utf8
from tf_transformer.export.graph_tokenizer.pointers import reached
from tf_transformer.export.graph_tokenizer.repeats import repeats
from tf_transformer.export.graph_tokenizer.trie import Trie

SPACE, VISIBLE_SPACE = 0x20, 0x2581  # " " and "▁"
NO_CHARACTER = 0x1FFFFF  # padding after a text; not a code point

# a Darts unit: a label in 8 bits and the top bit, a leaf flag, an offset, or a value
_LABEL = 0xFF - (1 << 31)
_HAS_LEAF = 1 << 8
_VALUE = (1 << 31) - 1


class Normalization(tf.Module):
    """Normalizes text to the characters that are then split into pieces.

    From left to right, the longest rule that matches replaces one or more characters;
    `nmt_nfkc`, for example, replaces compatible characters and removes control
    characters. User-defined symbols are not changed. Then, depending on the model, runs
    of spaces become one space, spaces at both ends are removed, each space becomes "▁",
    and a "▁" is put before each text. A malformed byte becomes U+FFFD.

    Args:
        model: A `SentencePieceModel`.

    Example:

    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> tokenizer = Tokenizer.train([("two words", "두 낱말")], vocab_size=300)
    >>> model = SentencePieceModel.parse(tokenizer.source_model)
    >>> code_points, lengths = Normalization(model)(tf.constant([" Ｔｗｏ  words "]))
    >>> "".join(chr(character) for character in code_points[0, : lengths[0]].numpy())
    '▁Two▁words'
    """

    def __init__(self, model: SentencePieceModel):
        super().__init__()
        self._add_dummy_prefix = model.add_dummy_prefix
        self._remove_extra_whitespaces = model.remove_extra_whitespaces
        self._space = VISIBLE_SPACE if model.escape_whitespaces else SPACE
        self._has_rules = bool(model.rules)
        replacements, offsets = model.replacements, {}
        for symbol in map(str.encode, model.user_defined_pieces):
            offsets[symbol] = len(replacements)
            replacements += symbol + b"\0"
        self._user_defined = Trie(offsets) if offsets else None
        starts, counts, characters = _replacements(replacements)
        with tf.device("CPU:0"):
            self._units = tf.constant(np.frombuffer(model.rules, "<i4"))
            self._replacement_counts = tf.constant(counts)
            self._replacement_starts = tf.constant(starts)
            self._replacement_characters = tf.constant(characters)

    def __call__(self, text):
        """Normalizes texts.

        Args:
            text: String tensor `(B,)`.

        Returns:
            code_points: int32 tensor `(B, M)` with M > 0, padded with `NO_CHARACTER`.
            lengths: int32 tensor `(B,)`.
        """
        num_texts = tf.shape(text)[0]
        code_points, rows = self._replaced(text)
        is_space = tf.equal(code_points, SPACE)
        escaped = tf.where(is_space, self._space, code_points)
        if self._remove_extra_whitespaces:
            is_kept = _is_needed(is_space, tf.equal(escaped, self._space), rows)
            escaped = tf.boolean_mask(escaped, is_kept)
            rows = tf.boolean_mask(rows, is_kept)
            lengths = tf.math.bincount(rows, minlength=num_texts)
            has_text = lengths > 0
        else:
            lengths = tf.math.bincount(rows, minlength=num_texts)
            has_text = tf.strings.length(text) > 0
        lengths = tf.ensure_shape(lengths, [None])
        dense = tf.RaggedTensor.from_row_lengths(escaped, lengths, validate=False)
        dense = dense.to_tensor(NO_CHARACTER)
        # add an end column, so that there is at least one column
        dense = tf.pad(dense, [[0, 0], [0, 1]], constant_values=NO_CHARACTER)
        if not self._add_dummy_prefix:
            return dense, lengths
        prefix = tf.where(has_text, self._space, NO_CHARACTER)
        lengths += tf.cast(has_text, tf.int32)
        return tf.concat([prefix[:, None], dense], 1), lengths

    def _replaced(self, text):
        values, rows, is_separator = _all_bytes(text)
        code_points, sizes, is_inside = utf8.read_characters(values)
        is_start = ~(is_inside | is_separator)
        starts = tf.cast(tf.where(is_start)[:, 0], tf.int32)
        code_points, rows = tf.gather(code_points, starts), tf.gather(rows, starts)
        if not self._has_rules and self._user_defined is None:
            return code_points, rows
        match_sizes, offsets = self._matches(values, starts)
        sizes = tf.maximum(tf.gather(sizes, starts), 1)
        is_used = _is_used(is_start, starts, tf.maximum(match_sizes, sizes))
        used = tf.where(is_used)[:, 0]
        has_rule = tf.gather(match_sizes, used) > 0
        offsets = tf.where(has_rule, tf.gather(offsets, used), 0)
        counts = tf.where(has_rule, tf.gather(self._replacement_counts, offsets), 1)
        # each character of the result, and its position within its rule: (N,)
        indices, places = repeats(counts)
        has_rule = tf.gather(has_rule, indices)
        replacements = tf.gather(self._replacement_starts, tf.gather(offsets, indices))
        replacements = tf.where(has_rule, replacements + places, 0)
        used = tf.gather(used, indices)
        return tf.where(
            has_rule,
            tf.gather(self._replacement_characters, replacements),
            tf.gather(code_points, used),
        ), tf.gather(rows, used)

    def _matches(self, values, starts):
        """Size and offset of the symbol, otherwise of the rule, at each start."""
        sizes = offsets = tf.zeros_like(starts)
        if self._has_rules:
            sizes, offsets = self._longest_rules(values, starts)
        if self._user_defined is not None:
            symbol_sizes, symbol_offsets = (
                tf.gather(matches[0], starts)
                for matches in self._user_defined.longest_matches(values[None])
            )
            is_symbol = symbol_sizes > 0
            sizes = tf.where(is_symbol, symbol_sizes, sizes)
            offsets = tf.where(is_symbol, symbol_offsets, offsets)
        return sizes, offsets

    def _longest_rules(self, values, starts):
        # follows the trie from all starts at once, byte by byte, until every walk ends
        values = tf.concat([values, [utf8.SEPARATOR]], 0)
        nothing = tf.zeros_like(starts)
        root = _offsets(self._units[0])

        def continues(_, nodes, *__):
            return tf.reduce_any(nodes >= 0)

        def step(depth, nodes, sizes, offsets):
            is_alive = nodes >= 0
            places = tf.where(is_alive, starts + depth, tf.size(values) - 1)
            labels = tf.gather(values, places)
            nodes = tf.bitwise.bitwise_xor(tf.maximum(nodes, 0), labels)
            nodes = tf.where(nodes < tf.size(self._units), nodes, 0)
            units = tf.gather(self._units, nodes)
            is_alive &= tf.equal(tf.bitwise.bitwise_and(units, _LABEL), labels)
            nodes = tf.where(
                is_alive, tf.bitwise.bitwise_xor(nodes, _offsets(units)), -1
            )
            is_rule = is_alive & (tf.bitwise.bitwise_and(units, _HAS_LEAF) > 0)
            leaves = tf.gather(self._units, tf.where(is_rule, nodes, 0))
            sizes = tf.where(is_rule, depth + 1, sizes)
            leaves = tf.bitwise.bitwise_and(leaves, _VALUE)
            return depth + 1, nodes, sizes, tf.where(is_rule, leaves, offsets)

        nodes = tf.fill(tf.shape(starts), root)
        _, _, sizes, offsets = tf.while_loop(
            continues, step, [tf.constant(0), nodes, nothing, nothing]
        )
        return sizes, offsets


def _offsets(units):
    shifts = tf.bitwise.bitwise_and(tf.bitwise.right_shift(units, 6), 8)
    return tf.bitwise.left_shift(tf.bitwise.right_shift(units, 10), shifts)


def _replacements(blob: bytes):
    """Start and count of the characters at each offset of the blob; all characters."""
    starts, counts = np.zeros((2, len(blob) + 1), np.int32)
    characters, offset = [0], 0
    for text in blob.split(b"\0"):
        starts[offset], counts[offset] = len(characters), len(text.decode())
        characters.extend(map(ord, text.decode()))
        offset += len(text) + 1
    return starts, counts, np.array(characters, np.int32)


def _all_bytes(text):
    """Bytes of all texts, one after the other, each text followed by a separator."""
    separator = tf.constant(bytes([utf8.SEPARATOR]))
    joined = tf.strings.reduce_join(tf.strings.join([text, separator]))
    values = tf.cast(tf.io.decode_raw(joined, tf.uint8), tf.int32)
    sizes = tf.strings.length(text) + 1
    rows = tf.repeat(tf.range(tf.size(sizes)), sizes)
    ends = tf.cumsum(sizes)[:, None] - 1
    is_end = tf.scatter_nd(ends, tf.ones_like(sizes), tf.shape(values))
    return values, rows, is_end > 0


def _is_used(is_start, starts, sizes):
    """Marks the characters that are not inside a rule that began before them."""
    num_characters = tf.size(starts)
    indices = tf.range(num_characters)
    num_starts = tf.cumsum(tf.cast(is_start, tf.int32))
    following = tf.gather(num_starts, starts + sizes - 1)

    def walk():
        # one more element for the end, which points to itself
        roots = tf.equal(tf.range(num_characters + 1), 0)
        return reached(roots, tf.concat([following, [num_characters]], 0))[:-1]

    return tf.cond(
        tf.reduce_all(tf.equal(following, indices + 1)),
        lambda: tf.ones_like(starts, tf.bool),
        walk,
    )


def _is_needed(is_space, is_visible_space, rows):
    """Marks the characters to keep when extra spaces are removed."""
    indices = tf.range(tf.size(rows))
    num_rows = tf.reduce_max(tf.pad(rows, [[0, 1]])) + 1
    lasts = tf.where(is_visible_space, -1, indices)
    lasts = tf.gather(tf.math.unsorted_segment_max(lasts, rows, num_rows), rows)
    is_first = tf.not_equal(rows, tf.pad(rows, [[1, 0]], constant_values=-1)[:-1])
    follows_space = tf.pad(is_space, [[1, 0]])[:-1]
    return (indices <= lasts) & ~(is_space & (is_first | follows_space))
