"""Attention by PyTorch's own kernel, which never holds all the weights."""

import keras
from keras import ops


def has_kernel() -> bool:
    """Whether the backend has one that was tried: PyTorch.

    TensorFlow has none. JAX has them for GPUs and TPUs, under conditions that Keras
    does not check (docs/performance.md).
    """
    return keras.backend.backend() == "torch"


def fused_attention(query, key, value, attention_mask=None):
    """The output of `scaled_dot_product_attention`, without its weights.

    Keras' `ops.dot_product_attention`, in which a query that may attend to nothing
    gets a mean of the values: here it gets 0.

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
