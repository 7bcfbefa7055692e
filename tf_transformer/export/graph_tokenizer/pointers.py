"""Following pointers from element to element, many steps at a time."""

import tensorflow as tf


def reached(roots, successors):
    """Finds the elements that a walk from the roots comes by.

    Every element points to one successor. Instead of walking step by step, the
    pointers are doubled: 1, 2, 4, ... steps at once, until nothing changes.

    Args:
        roots: Bool tensor `(N,)`: where the walks begin.
        successors: int32 tensor `(N,)`: where each element points to. A walk ends at
            an element that points to itself.

    Returns:
        Bool tensor `(N,)`.

    Example: 0 -> 2 -> 3 -> 3.

    >>> roots = tf.constant([True, False, False, False])
    >>> reached(roots, tf.constant([2, 2, 3, 3])).numpy().tolist()
    [True, False, True, True]
    """
    size = tf.shape(successors)[0]

    def has_moved(_, successors, further):
        return tf.reduce_any(tf.not_equal(successors, further))

    def double(is_reached, successors, further):
        arrivals = tf.boolean_mask(successors, is_reached)[:, None]
        arrived = tf.scatter_nd(arrivals, tf.ones_like(arrivals[:, 0]), size[None])
        return is_reached | (arrived > 0), further, tf.gather(further, further)

    # the first round takes 1 step, the second 2, the third 4
    is_reached, last, _ = tf.while_loop(
        has_moved,
        double,
        [roots, successors, tf.gather(successors, successors)],
        shape_invariants=[tf.TensorShape([None])] * 3,
    )
    arrivals = tf.boolean_mask(last, is_reached)[:, None]
    arrived = tf.scatter_nd(arrivals, tf.ones_like(arrivals[:, 0]), size[None])
    return is_reached | (arrived > 0)
