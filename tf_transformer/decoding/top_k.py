"""Indices of the largest scores, without sorting the others."""

from keras import ops

from tf_transformer.decoding.gather import gather
from tf_transformer.utils.keras_compat import is_plain_tensorflow

BLOCK = 64


def argmax(scores):
    """Index of the largest score, the first of equal ones; faster than `ops.argmax`.

    Args:
        scores: Tensor `(..., V)`.

    Returns:
        int32 tensor `(...)`.

    Example:

    >>> argmax(ops.array([[0.5, 2.0, 1.0, 2.0]])).numpy().tolist()
    [1]
    """
    if is_plain_tensorflow():
        return ops.cast(ops.top_k(scores, 1)[1][..., 0], "int32")
    num_scores = scores.shape[-1]
    largest = ops.max(scores, axis=-1, keepdims=True)
    indices = ops.arange(num_scores, dtype="int32")
    return ops.min(ops.where(scores < largest, num_scores, indices), axis=-1)


def top_k_indices(scores, k):
    """Indices of the k largest scores; faster than `ops.top_k`.

    The k largest scores lie in the k blocks of 64 with the largest maxima, so only the
    maxima and those blocks are sorted. Of equal scores the smaller index comes
    first (on PyTorch any, and 0 for some scores of -inf).

    Args:
        scores: float32 tensor `(B, M)`. M is static and at least k.
        k: Integer.

    Returns:
        int32 tensor `(B, k)`, the index of the largest score first.

    Example:

    >>> top_k_indices(ops.array([[0.5, 2.0, 1.0, 2.0]]), k=3).numpy().tolist()
    [[1, 3, 2]]
    """
    num_blocks = -(-scores.shape[1] // BLOCK)
    if num_blocks <= k:
        return ops.cast(ops.top_k(scores, k)[1], "int32")
    padding, last = num_blocks * BLOCK - scores.shape[1], scores.shape[1] - 1
    if padding:
        scores = ops.pad(scores, [[0, 0], [0, padding]], constant_values=-float("inf"))
    blocks = ops.reshape(scores, (-1, num_blocks, BLOCK))
    _, best = ops.top_k(ops.max(blocks, axis=2), k)
    best = ops.sort(ops.cast(best, "int32"), axis=1)  # keeps the order of ties
    chosen = gather(blocks, best)
    _, offsets = ops.top_k(ops.reshape(chosen, (-1, k * BLOCK)), k)
    offsets = ops.cast(offsets, "int32")
    block_indices = gather(best, offsets // BLOCK)
    indices = block_indices * BLOCK + offsets % BLOCK
    return ops.where(indices <= last, indices, 0)
