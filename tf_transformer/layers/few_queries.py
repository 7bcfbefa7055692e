"""Faster products and softmax for the few queries of a decoding step."""

import keras
from keras import ops

from tf_transformer.utils.keras_compat import is_plain_tensorflow
from tf_transformer.utils.small_kernels import small_product

MOST_QUERIES = 4


def has_few_queries(queries) -> bool:
    """Whether the operations of this file are faster than the usual ones.

    With 1 to 4 queries per sentence, TensorFlow's usual kernels (oneDNN) spend more
    time on starting than on computing; with 16 or more queries they are faster.

    Args:
        queries: Tensor `(..., T, D)`.
    """
    if keras.backend.is_keras_tensor(queries):
        return False
    if queries.shape[-2] not in range(1, MOST_QUERIES + 1) or 0 in queries.shape:
        return False
    return is_plain_tensorflow()


def product(a, b, transpose_b=False):
    """`ops.matmul` of `(..., T, D)` and `(..., D, S)`, or `(..., S, D)` transposed.

    Args:
        a: Tensor `(..., T, D)`.
        b: Tensor `(..., D, S)`, or `(..., S, D)`.
        transpose_b: Whether b is `(..., S, D)`. Defaults to `False`.

    Returns:
        Tensor `(..., T, S)`.
    """
    if has_few_queries(a) and a.dtype == b.dtype and a.dtype != "float16":
        return small_product(a, b, transpose_b)
    return ops.matmul(a, ops.swapaxes(b, -1, -2) if transpose_b else b)


def few_queries_softmax(scores, attention_mask=None):
    """The softmax over keys in elementary operations; a masked key gets the weight 0.

    Args:
        scores: Tensor `(..., T, S)`, at masked keys far below the others.
        attention_mask: Optional bool tensor that broadcasts to the scores.
            `True` = may attend.

    Returns:
        Tensor `(..., T, S)`.

    Example:

    >>> scores = ops.array([[0.0, -1e9, 0.0], [-1e9, -1e9, -1e9]])
    >>> mask = ops.array([[True, False, True], [False, False, False]])
    >>> few_queries_softmax(scores, mask).numpy().tolist()
    [[0.5, 0.0, 0.5], [0.0, 0.0, 0.0]]
    """
    powers = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True))
    if attention_mask is None:
        return powers / ops.sum(powers, axis=-1, keepdims=True)
    powers = powers * ops.cast(attention_mask, powers.dtype)
    # at least 1 unless all keys are masked: the largest score adds exp(0) = 1
    return powers / ops.maximum(ops.sum(powers, axis=-1, keepdims=True), 1.0)
