"""Control of repetition: penalized and forbidden tokens."""

from keras import ops

from tf_transformer.ids import PAD_ID


def penalize_repetition(logits, generated, penalty):
    """Lowers the logits of tokens that the hypothesis already contains.

    Section 4.1 of [CTRL](https://arxiv.org/abs/1909.05858) divides such a logit by
    theta, the `penalty`. Differs from the paper: negative logits are multiplied by
    it, as in Hugging Face Transformers, because division would raise them.

    Args:
        logits: Tensor `(B, K, V)`.
        generated: int32 tensor `(B, K, L)`: the tokens so far, padded with 0.
        penalty: Float above 0; above 1 it discourages repetition.

    Returns:
        Tensor `(B, K, V)`.

    Example:

    >>> logits = ops.array([[[3.0, -1.0, 4.0, -2.0]]])
    >>> generated = ops.array([[[2, 3, 3, 0]]])
    >>> penalize_repetition(logits, generated, penalty=2.0).numpy().tolist()
    [[[3.0, -1.0, 2.0, -4.0]]]
    """
    penalized = ops.where(logits < 0, logits * penalty, logits / penalty)
    return ops.where(contained_tokens(generated, logits.shape[-1]), penalized, logits)


def repeating_tokens(generated, position, ngram_size, vocab_size):
    """Tokens that would complete an n-gram that the hypothesis already contains.

    Args:
        generated: int32 tensor `(B, K, L)`: the tokens so far, padded with 0.
        position: Integer scalar tensor: the number of tokens so far.
        ngram_size: Integer n, at least 1.
        vocab_size: Integer V.

    Returns:
        Bool tensor `(B, K, V)`.

    Example: after 2, 3, 2 the bigram "2, 3" must not follow.

    >>> generated = ops.array([[[2, 3, 2, 0]]])
    >>> repeating_tokens(generated, 3, ngram_size=2, vocab_size=4).numpy().tolist()
    [[[False, False, False, True]]]
    """
    length = ops.shape(generated)[2]
    # A token at index i completes an n-gram with the n - 1 tokens before it. It is
    # forbidden if these are the last n - 1 tokens of the hypothesis.
    is_forbidden = ops.arange(length, dtype="int32") >= ngram_size - 1
    is_forbidden = ops.logical_and(is_forbidden, position >= ngram_size)
    for distance in range(1, ngram_size):
        before = ops.pad(generated, [[0, 0], [0, 0], [distance, 0]])[:, :, :length]
        index = ops.maximum(position - distance, 0)
        last = ops.expand_dims(ops.take(generated, index, axis=2), -1)
        is_forbidden = ops.logical_and(is_forbidden, ops.equal(before, last))
    forbidden = ops.where(is_forbidden, generated, PAD_ID)
    return contained_tokens(forbidden, vocab_size)


def contained_tokens(token_ids, vocab_size):
    """Marks the tokens of the vocabulary that each row contains, except padding.

    Args:
        token_ids: int32 tensor `(B, K, L)`.
        vocab_size: Integer V.

    Returns:
        Bool tensor `(B, K, V)`.
    """
    batch_size, num_rows, _ = (ops.shape(token_ids)[axis] for axis in range(3))
    size = batch_size * num_rows * vocab_size
    first = ops.reshape(
        ops.arange(batch_size * num_rows, dtype="int32") * vocab_size, (-1, num_rows)
    )
    indices = ops.reshape(first[..., None] + ops.cast(token_ids, "int32"), (-1, 1))
    is_contained = ops.scatter_update(
        ops.zeros((size,), dtype="int32"), indices, ops.ones_like(indices[:, 0])
    )
    is_contained = ops.reshape(is_contained, (batch_size, num_rows, vocab_size))
    return ops.logical_and(
        is_contained > 0, ops.not_equal(ops.arange(vocab_size, dtype="int32"), PAD_ID)
    )
