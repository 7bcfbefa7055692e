"""The most probable split of a text into pieces: Viterbi in core TensorFlow ops."""

import numpy as np
import tensorflow as tf

from tf_transformer.export.graph_tokenizer.pointers import reached
from tf_transformer.export.graph_tokenizer.trie import Trie

_BLOCK = 8  # characters in a step of a loop: steps cost more than their operations


class Segmentation(tf.Module):
    """Splits characters into the pieces of a unigram language model.

    The split with the largest sum of scores is chosen. Ties are broken as in
    SentencePiece: sums are computed from left to right in float32, and of equal sums,
    the split whose last piece begins first is chosen.

    Args:
        piece_ids: Dictionary from each piece of text to its id.
        scores: Natural log probability of each id.
        unknown_score: Score of one character that is not a piece.

    Example:

    >>> segmentation = Segmentation({"a": 0, "ab": 1}, [-1.0, -2.5], -9.0)
    >>> characters = tf.constant([[ord("a"), ord("b"), ord("a")]])
    >>> rows, ids, characters = segmentation(characters, tf.constant([3]))
    >>> ids.numpy().tolist()
    [1, 0]
    """

    def __init__(self, piece_ids: dict[str, int], scores, unknown_score: float):
        super().__init__()
        self._trie = Trie({tuple(map(ord, text)): i for text, i in piece_ids.items()})
        scores = np.append(np.array(scores, np.float32), np.float32(-np.inf))
        self._unknown_score = np.float32(unknown_score)
        with tf.device("CPU:0"):
            self._node_ids = tf.constant(self._trie.node_values, tf.int32)
            self._node_scores = tf.constant(scores[self._trie.node_values])

    def __call__(self, code_points, lengths):
        """Splits texts.

        Args:
            code_points: int32 tensor `(B, M)` with M > 0, padded with values that
                are not characters.
            lengths: int32 tensor `(B,)`.

        Returns:
            Three int32 tensors `(N,)` over the pieces of all texts, in order: the row
            of the text, the id, and the first character. A character that is not a
            piece has the id -1.
        """
        nodes = self._nodes(code_points)
        sizes = self._best_sizes(nodes)
        # the ends of the pieces, traced back from the ends of the texts: (B, M + 1)
        num_ends = tf.shape(sizes)[1]
        ends = tf.range(num_ends)[None]
        indices = tf.range(tf.size(sizes))
        is_end = reached(
            tf.reshape(tf.equal(ends, lengths[:, None]), [-1]),
            indices - tf.reshape(sizes, [-1]),
        )
        is_end &= tf.reshape(sizes, [-1]) > 0
        pieces = tf.boolean_mask(indices, is_end)
        rows = pieces // num_ends
        piece_sizes = tf.gather(tf.reshape(sizes, [-1]), pieces)
        starts = pieces % num_ends - piece_sizes
        places = tf.stack([starts, rows, piece_sizes - 1], 1)
        ids = tf.gather(self._node_ids, tf.gather_nd(nodes, places))
        return rows, ids, tf.gather_nd(code_points, tf.stack([rows, starts], 1))

    def _nodes(self, code_points):
        """Follows the trie from every character at once.

        Returns:
            int32 tensor `(M, B, K)`: the node after 1 to K characters from each start;
            K is the length of the longest match.
        """
        num_characters = tf.shape(code_points)[1]
        padding = [[0, 0], [0, self._trie.longest]]
        characters = tf.pad(tf.cast(code_points, tf.int64), padding, constant_values=-1)
        node = tf.zeros_like(code_points, tf.int64)

        def continues(depth, node, _):
            is_alive = tf.reduce_any(node < self._trie.nowhere)
            return (depth < self._trie.longest) & (is_alive | tf.equal(depth, 0))

        def step(depth, node, nodes):
            character = characters[:, depth : depth + num_characters]
            node = self._trie.next_nodes(node, character)
            return depth + 1, node, nodes.write(depth, tf.cast(node, tf.int32))

        nodes = tf.TensorArray(
            tf.int32, 0, dynamic_size=True, element_shape=[None, None]
        )
        _, _, nodes = tf.while_loop(continues, step, [tf.constant(0), node, nodes])
        return tf.transpose(nodes.stack(), [2, 1, 0])

    def _best_sizes(self, nodes):
        """The size of the last piece of the best split up to each position.

        Returns:
            int32 tensor `(B, M + 1)`; column 0 is 0.
        """
        scores = tf.gather(self._node_scores, nodes)
        single = scores[:, :, :1]
        single = tf.where(single > -np.inf, single, self._unknown_score)
        scores = tf.concat([single, scores[:, :, 1:]], 2)
        best = _best_sums(scores)
        num_characters, num_texts, window = tf.unstack(tf.shape(nodes))
        # each piece with the best split before it is compared with the best split up
        # to its end; of equal sums, the largest piece is chosen
        sizes = tf.range(1, window + 1)
        ends = tf.range(num_characters)[:, None] + sizes
        at_ends = tf.pad(best, [[0, window], [0, 0]], constant_values=np.nan)
        at_ends = tf.transpose(tf.gather(at_ends, ends), [0, 2, 1])
        is_best = tf.equal(best[:-1, :, None] + scores, at_ends)
        num_ends = num_characters + window + 1
        segments = num_ends * tf.range(num_texts)[:, None] + ends[:, None]
        best_sizes = tf.math.unsorted_segment_max(
            tf.where(is_best, sizes, 0), segments, num_ends * num_texts
        )
        best_sizes = tf.reshape(best_sizes, [num_texts, num_ends])
        return tf.maximum(best_sizes[:, : num_characters + 1], 0)


def _best_sums(scores):
    """The sum of the best split up to each position.

    Args:
        scores: float32 tensor `(M, B, K)`: of the pieces of 1 to K characters that
            begin at each character, -inf if there is none.

    Returns:
        float32 tensor `(M + 1, B)`; row 0 is 0.
    """
    num_characters, num_texts, window = tf.unstack(tf.shape(scores))
    padding = [[0, -num_characters % _BLOCK], [0, 0], [0, 0]]
    blocks = tf.pad(scores, padding, constant_values=-np.inf)
    blocks = tf.reshape(blocks, [-1, _BLOCK, num_texts, window])
    no_score = tf.fill([num_texts, 1], -np.inf)

    def step(block, best, rows):
        found = []
        for starting_here in tf.unstack(tf.gather(blocks, block), _BLOCK):
            # best sums at this position and the next K: (B, K + 1)
            sums = best[:, :1] + starting_here
            best = tf.concat([tf.maximum(best[:, 1:], sums), no_score], 1)
            found.append(best)
        return block + 1, best, rows.write(block, tf.stack(found))

    num_blocks = tf.shape(blocks)[0]
    nothing = tf.fill([num_texts, window], -np.inf)
    rows = tf.TensorArray(tf.float32, num_blocks, element_shape=[_BLOCK, None, None])
    *_, rows = tf.while_loop(
        lambda block, *_: block < num_blocks,
        step,
        [tf.constant(0), tf.pad(nothing, [[0, 0], [1, 0]]), rows],
        shape_invariants=[
            tf.TensorShape([]),
            tf.TensorShape([None, None]),
            tf.TensorShape(None),
        ],
    )
    best = rows.concat()[:num_characters, :, 0]
    return tf.pad(best, [[1, 0], [0, 0]])
