"""The largest of many numbers, found without sorting the others."""

from keras import ops

BLOCK = 64


def likeliest(scores):
    """Where the largest number stands, the first of equals: a quicker `ops.argmax`.

    Args:
        scores: Tensor `(..., V)`.

    Returns:
        int32 tensor `(...)`.

    Example:

    >>> likeliest(ops.array([[0.5, 2.0, 1.0, 2.0]])).numpy().tolist()
    [1]
    """
    num_scores = scores.shape[-1]
    largest = ops.max(scores, axis=-1, keepdims=True)
    places = ops.arange(num_scores, dtype="int32")
    return ops.min(ops.where(scores < largest, num_scores, places), axis=-1)


def places_of_largest(scores, k):
    """Where the k largest numbers stand: the places of `ops.top_k`, more quickly.

    The k largest of all are among the k blocks of 64 whose maxima are largest, so only
    the maxima and those blocks are sorted. Of equal numbers the first counts as larger
    (PyTorch takes any).

    Args:
        scores: float32 tensor `(B, M)`, M known and at least k.
        k: Integer.

    Returns:
        int32 tensor `(B, k)`, the place of the largest number first.

    Example:

    >>> places_of_largest(ops.array([[0.5, 2.0, 1.0, 2.0]]), k=3).numpy().tolist()
    [[1, 3, 2]]
    """
    num_blocks = -(-scores.shape[1] // BLOCK)
    if num_blocks <= k:
        return ops.cast(ops.top_k(scores, k)[1], "int32")
    rest = num_blocks * BLOCK - scores.shape[1]
    if rest:
        scores = ops.pad(scores, [[0, 0], [0, rest]], constant_values=-float("inf"))
    blocks = ops.reshape(scores, (-1, num_blocks, BLOCK))
    _, best = ops.top_k(ops.max(blocks, axis=2), k)
    best = ops.sort(ops.cast(best, "int32"), axis=1)  # in their order: for equals
    chosen = ops.take_along_axis(blocks, best[..., None], axis=1)
    _, inside = ops.top_k(ops.reshape(chosen, (-1, k * BLOCK)), k)
    inside = ops.cast(inside, "int32")
    of_block = ops.take_along_axis(best, inside // BLOCK, axis=1)
    return of_block * BLOCK + inside % BLOCK
