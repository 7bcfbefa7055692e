"""Core TensorFlow operations that are fast for the small tensors of a decoding step.

They are called only if `is_plain_tensorflow()` or `is_plain_graph()`; otherwise their
callers compute the same result with `keras.ops`.
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


def with_open_shape(tensor, fixed_axes):
    """The tensor with an unknown static size in all axes but `fixed_axes`.

    A variable of a loop may change its size where the static size is unknown.

    Args:
        tensor: Tensor of a graph.
        fixed_axes: Axes whose static size is kept.
    """
    import tensorflow as tf

    shape = [
        size if axis in fixed_axes else None for axis, size in enumerate(tensor.shape)
    ]
    return tf.raw_ops.PlaceholderWithDefault(input=tensor, shape=shape)
