"""Core TensorFlow operations that are fast for the small tensors of a decoding step.

They are called only if `is_plain_tensorflow()`; otherwise their callers compute the
same result with `keras.ops`.
"""

import keras


def small_product(a, b, transpose_b=False):
    """`ops.matmul` without oneDNN, which is slow to start for small products.

    Args:
        a: Tensor `(..., T, D)`, float32, float64 or bfloat16.
        b: Tensor `(..., D, S)` of the same type, or `(..., S, D)`.
        transpose_b: Whether b is `(..., S, D)`. Defaults to `False`.

    Returns:
        Tensor `(..., T, S)`.
    """
    import tensorflow as tf

    dtype = keras.backend.standardize_dtype(a.dtype)
    return tf.raw_ops.BatchMatMulV3(x=a, y=b, Tout=dtype, adj_y=transpose_b)


def write_position(cache, vectors, position):
    """Writes `cache[:, :, position]`, in place if nothing else reads the cache.

    `ops.scatter_update` copies the whole cache, `ops.slice_update` is not a core
    operation, and XLA cannot compile this function.

    Args:
        cache: Tensor `(B, h, L, d_k)`.
        vectors: Tensor `(B, h, 1, d_k)`.
        position: Integer scalar tensor, 0 to L - 1.

    Returns:
        Tensor `(B, h, L, d_k)`.
    """
    import tensorflow as tf

    begin = tf.stack([0, 0, position, 0])
    return tf.raw_ops.TensorStridedSliceUpdate(
        input=cache,
        begin=begin,
        end=begin + 1,
        strides=[1, 1, 1, 1],
        value=vectors,
        begin_mask=0b1011,  # all of the axes but the third
        end_mask=0b1011,
    )
