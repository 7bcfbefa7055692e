"""Statistics of an attention layer (section 3.2.1)."""

from keras import ops

SATURATED = 0.99


def attention_statistics(query, keys, weights, attention_mask=None, is_query=None):
    r"""Computes three statistics that show why attention scores are scaled.

    "We suspect that for large values of d_k, the dot products grow large in
    magnitude, pushing the softmax function into regions where it has extremely small
    gradients" (section 3.2.1 of
    [Attention Is All You Need](https://arxiv.org/abs/1706.03762)).

    Args:
        query: Tensor `(B, h, T, d_k)`.
        keys: Tensor `(B, h, S, d_k)`.
        weights: Tensor `(B, h, T, S)`: softmax of the scores.
        attention_mask: Optional bool tensor that broadcasts to `(B, h, T, S)`.
        is_query: Optional bool tensor `(B, T)`: which queries are real tokens.

    Returns:
        Dictionary of float32 scalars:
        "score_std", the standard deviation of q . k / sqrt(d_k) from the mean of its
        query, over allowed keys;
        "saturation", the share of queries whose largest weight is above 0.99;
        "entropy", the mean over queries of -sum_s a_s ln a_s, in nats.

    Example: all keys are equal, so all scores are equal and the weights are 1/4.

    >>> figures = attention_statistics(
    ...     ops.ones((1, 2, 3, 8)), ops.ones((1, 2, 4, 8)), ops.ones((1, 2, 3, 4)) / 4
    ... )
    >>> {name: round(float(value), 3) for name, value in figures.items()}
    {'score_std': 0.0, 'saturation': 0.0, 'entropy': 1.386}
    """
    query, keys, weights = (ops.cast(x, "float32") for x in (query, keys, weights))
    scores = ops.matmul(query * query.shape[-1] ** -0.5, ops.swapaxes(keys, -1, -2))
    is_counted = ops.ones_like(scores)
    if attention_mask is not None:
        is_counted = is_counted * ops.cast(attention_mask, "float32")
    if is_query is not None:
        is_counted = is_counted * ops.cast(is_query, "float32")[:, None, :, None]
    num_keys = ops.sum(is_counted, axis=-1, keepdims=True)
    means = ops.sum(scores * is_counted, axis=-1, keepdims=True) / ops.maximum(
        num_keys, 1
    )
    variance = ops.sum(is_counted * (scores - means) ** 2) / ops.sum(is_counted)
    is_query_counted = ops.cast(num_keys[..., 0] > 0, "float32")  # (B, h, T)
    num_queries = ops.sum(is_query_counted)
    logs = ops.log(ops.maximum(weights, 1e-30))
    saturated = ops.cast(ops.max(weights, axis=-1) > SATURATED, "float32")
    return {
        "score_std": ops.sqrt(variance),
        "saturation": ops.sum(is_query_counted * saturated) / num_queries,
        "entropy": -ops.sum(is_query_counted * ops.sum(weights * logs, axis=-1))
        / num_queries,
    }
