"""Repeated elements and the index of each repetition."""

import tensorflow as tf


def repeats(counts):
    """Repeats each element by its count.

    Args:
        counts: int32 tensor `(N,)`.

    Returns:
        Two int32 tensors `(sum of counts,)`: the index of the element, and the index of
        the repetition, from 0.

    Example:

    >>> elements, places = repeats(tf.constant([2, 0, 3]))
    >>> elements.numpy().tolist(), places.numpy().tolist()
    ([0, 0, 2, 2, 2], [0, 1, 0, 1, 2])
    """
    elements = tf.repeat(tf.range(tf.size(counts)), counts)
    starts = tf.gather(tf.cumsum(counts, exclusive=True), elements)
    return elements, tf.range(tf.size(elements)) - starts
