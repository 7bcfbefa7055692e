"""A prefix tree as a hash table, followed from many positions at once."""

import tensorflow as tf

_SYMBOL_BITS = 21  # a code point or a byte


class Trie(tf.Module):
    """A prefix tree of integer keys with values.

    Args:
        values: Dictionary from each key, a sequence of code points or bytes, to its
            value, an integer of at least 0.

    Attributes:
        nowhere: The node at the end of every missing edge; node 0 is the root.
        longest: Length of the longest key.
        node_values: The value of the key that ends at each node, or -1.

    Example:

    >>> trie = Trie({b"a": 7, b"abc": 9})
    >>> sizes, values = trie.longest_matches(tf.constant([[*b"abab"]]))
    >>> sizes.numpy().tolist(), values.numpy().tolist()
    ([[1, 0, 1, 0]], [[7, -1, 7, -1]])
    """

    def __init__(self, values: dict):
        super().__init__()
        edges, node_values = {}, [-1]
        for key, value in values.items():
            node = 0
            for symbol in key:
                edge = _edge(node, symbol)
                node = edges.setdefault(edge, len(node_values))
                if node == len(node_values):
                    node_values.append(-1)
            node_values[node] = value
        # edge number i leads to node i + 1
        self.nowhere = len(node_values)
        self.longest = max(map(len, values))
        self.node_values = [*node_values, -1]
        with tf.device("CPU:0"):
            self._values = tf.constant(self.node_values, tf.int32)
            self._edges = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(
                    tf.constant(list(edges), tf.int64),
                    tf.range(1, self.nowhere, dtype=tf.int64),
                ),
                default_value=self.nowhere,
            )

    def next_nodes(self, nodes, symbols):
        """Follows one edge from each node; both are int64 tensors of one shape."""
        return self._edges.lookup(_edge(nodes, symbols))

    def longest_matches(self, symbols):
        """Finds the longest key that begins at each position.

        Args:
            symbols: Integer tensor `(B, M)`.

        Returns:
            Two int32 tensors `(B, M)`: the size of the key and its value; 0 and -1
            if no key begins there.
        """
        width = tf.shape(symbols)[1]
        padding = [[0, 0], [0, self.longest]]
        padded = tf.pad(tf.cast(symbols, tf.int64), padding, constant_values=-1)

        def continues(depth, nodes, *_):
            return (depth < self.longest) & tf.reduce_any(nodes < self.nowhere)

        def step(depth, nodes, sizes, values):
            nodes = self.next_nodes(nodes, padded[:, depth : depth + width])
            matches = tf.gather(self._values, nodes)
            is_key = matches >= 0
            sizes = tf.where(is_key, depth + 1, sizes)
            return depth + 1, nodes, sizes, tf.where(is_key, matches, values)

        nothing = tf.zeros(tf.shape(symbols), tf.int32)
        nodes = tf.zeros(tf.shape(symbols), tf.int64)
        *_, sizes, values = tf.while_loop(
            continues, step, [tf.constant(0), nodes, nothing, nothing - 1]
        )
        return sizes, values


def _edge(node, symbol):
    return node * (1 << _SYMBOL_BITS) + symbol
