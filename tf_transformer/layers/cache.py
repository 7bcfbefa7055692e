"""The decoder's cache of keys and values of earlier positions."""

from keras import ops

from tf_transformer.utils.keras_compat import is_plain_tensorflow
from tf_transformer.utils.small_kernels import write_position


def write_cache(cache, vectors, position):
    """Writes the vectors of one position.

    Only the new vectors are moved, however long the cache is. `slice_update` would do
    the same, but not in every runtime of an export.

    Args:
        cache: Tensor `(B, h, L, d_k)`.
        vectors: Tensor `(B, h, 1, d_k)`.
        position: Integer scalar tensor, 0 to L - 1.

    Returns:
        Tensor `(B, h, L, d_k)`.

    Example:

    >>> cache = ops.zeros((1, 1, 3, 2))
    >>> write_cache(cache, ops.ones((1, 1, 1, 2)), 1).numpy()[0, 0].tolist()
    [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]

    Shape letters: B batch, h heads, L length of the cache.
    """
    if is_plain_tensorflow():
        return write_position(cache, vectors, position)
    batch_size, num_heads, length, d_k = ops.shape(cache)
    rows = ops.arange(batch_size * num_heads)
    indices = ops.stack([rows, ops.zeros_like(rows) + position], axis=1)
    flat = ops.reshape(cache, (-1, length, d_k))
    flat = ops.scatter_update(flat, indices, ops.reshape(vectors, (-1, d_k)))
    return ops.reshape(flat, (batch_size, num_heads, length, d_k))
