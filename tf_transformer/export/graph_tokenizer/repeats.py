"""Elements that stand for several others, written out."""

import tensorflow as tf


def repeats(counts):
    """Writes each element as often as it counts.

    Args:
        counts: int32 tensor `(N,)`.

    Returns:
        Two int32 tensors `(sum of counts,)`: the element, and which of its repetitions
        it is, counted from 0.

    Example:

    >>> elements, places = repeats(tf.constant([2, 0, 3]))
    >>> elements.numpy().tolist(), places.numpy().tolist()
    ([0, 0, 2, 2, 2], [0, 1, 0, 1, 2])
    """
    elements = tf.repeat(tf.range(tf.size(counts)), counts)
    starts = tf.gather(tf.cumsum(counts, exclusive=True), elements)
    return elements, tf.range(tf.size(elements)) - starts
