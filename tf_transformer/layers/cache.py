"""The decoder's cache of keys and values of earlier positions.

There are two kinds. One has the full length from the beginning: XLA and the other
backends need shapes that do not change. The other grows by one position in each step,
so that a step moves and reads only what has been written. It is for TensorFlow's plain
graph.
"""

from keras import ops

from tf_transformer.utils.keras_compat import is_plain_graph
from tf_transformer.utils.small_kernels import with_open_shape

FULL_LENGTH = "keys", "values"
GROWING = "keys_so_far", "values_so_far"


def empty_cache(num_rows, keys, max_length):
    """Makes a cache without any position.

    Args:
        num_rows: Integer or scalar tensor B.
        keys: Tensor `(any, h, any, d_k)`, whose sizes and type the cache has.
        max_length: Integer or scalar tensor L, the maximum number of positions.

    Returns:
        Dictionary of two tensors `(B, h, L, d_k)`, or `(B, h, 0, d_k)` if they grow.
    """
    _, num_heads, _, d_k = keys.shape
    if is_plain_graph():
        empty = ops.zeros((num_rows, num_heads, 0, d_k), dtype=keys.dtype)
        return dict.fromkeys(GROWING, with_open_shape(empty, [1, 3]))
    empty = ops.zeros((num_rows, num_heads, max_length, d_k), dtype=keys.dtype)
    return dict.fromkeys(FULL_LENGTH, empty)


def extended_cache(cache, keys, values, position):
    """The cache with the keys and values of one more position.

    Args:
        cache: Result of `empty_cache`, or of this function for the previous position.
        keys: Tensor `(B, h, 1, d_k)`.
        values: Tensor `(B, h, 1, d_k)`.
        position: Integer scalar tensor, 0 to L - 1.

    Returns:
        A new cache of the same kind.

    Example:

    >>> ones = ops.ones((1, 1, 1, 2))
    >>> cache = extended_cache(empty_cache(1, ones, 3), ones, 5 * ones, position=0)
    >>> cache["values"].numpy()[0, 0].tolist()
    [[5.0, 5.0], [0.0, 0.0], [0.0, 0.0]]
    """
    new = zip(cache, (keys, values), strict=True)
    if tuple(cache) == GROWING:
        return {n: ops.concatenate([cache[n], vectors], axis=2) for n, vectors in new}
    return {name: _written(cache[name], vectors, position) for name, vectors in new}


def _written(tensor, vectors, position):
    # Only the new vectors are moved, however long the cache is. `slice_update` would
    # do the same, but not in every runtime of an export.
    batch_size, num_heads, length, d_k = ops.shape(tensor)
    rows = ops.arange(batch_size * num_heads)
    indices = ops.stack([rows, ops.zeros_like(rows) + position], axis=1)
    flat = ops.reshape(tensor, (-1, length, d_k))
    flat = ops.scatter_update(flat, indices, ops.reshape(vectors, (-1, d_k)))
    return ops.reshape(flat, (batch_size, num_heads, length, d_k))


def cached(cache, position):
    """What the query at `position` attends to.

    Args:
        cache: Result of `extended_cache`.
        position: Integer scalar tensor.

    Returns:
        Keys and values, each `(B, h, L, d_k)`, and a bool mask `(1, 1, L)` of the
        positions up to `position`, or `None` if the cache has no other positions.
    """
    keys, values = cache.values()
    if tuple(cache) == GROWING:
        return keys, values, None
    mask = (ops.arange(ops.shape(keys)[2]) <= position)[None, None]
    return keys, values, mask
