"""Attention by PyTorch's fused kernel, which does not store the weights."""

import keras
from keras import ops


def has_kernel() -> bool:
    """Whether the backend's fused kernel is used: on PyTorch only.

    TensorFlow has none. JAX has kernels for GPUs and TPUs, but Keras does not check
    their requirements (docs/performance.md).
    """
    return keras.backend.backend() == "torch"


def fused_attention(query, key, value, attention_mask=None):
    """The output of `scaled_dot_product_attention`, without its weights.

    Calls Keras' `ops.dot_product_attention`. There, the output of a query that may
    attend to no key is a mean of the values; here it is 0.

    Args:
        query: Tensor `(B, h, T, d_k)`.
        key: Tensor `(B, h, S, d_k)`.
        value: Tensor `(B, h, S, d_k)`.
        attention_mask: Optional bool tensor that broadcasts to `(B, h, T, S)`, of
            rank 4. `True` = may attend.

    Returns:
        Tensor `(B, h, T, d_k)`.

    Example:

    >>> key = ops.array([[[[9.0, 0.0], [0.0, 9.0]]]])
    >>> fused_attention(key[:, :, :1], key, key).shape
    TensorShape([1, 1, 1, 2])

    Shape letters: B batch, T target (query) length, S source (key) length, h heads.
    """
    by_position = (ops.swapaxes(x, 1, 2) for x in (query, key, value))
    output = ops.dot_product_attention(*by_position, mask=attention_mask)
    output = ops.swapaxes(output, 1, 2)
    if attention_mask is None:
        return output
    may_attend = ops.any(attention_mask, axis=-1, keepdims=True)
    return ops.where(may_attend, output, 0.0)
