"""Pointer doubling: follows chains of pointers in a logarithmic number of steps."""

import tensorflow as tf


def reached(roots, successors):
    """Finds the elements that can be reached from the roots.

    Every element points to one successor. The pointers are doubled, to 1, 2, 4, ...
    steps, until nothing changes.

    Args:
        roots: Bool tensor `(N,)`: the first elements.
        successors: int32 tensor `(N,)`: the successor of each element. The last
            element of a chain points to itself.

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
