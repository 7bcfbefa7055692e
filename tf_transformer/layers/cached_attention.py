"""Self-attention of a decoding step to the cached keys and values."""

import keras
from keras import ops

from tf_transformer.layers.attention import MASKED_SCORE, MultiHeadAttention
from tf_transformer.layers.cache import (
    SHARED,
    ancestors_mask,
    extended_cache,
    is_shared,
    written_cache,
)
from tf_transformer.utils.keras_compat import is_compiled_by_tensorflow

BLOCK_SIZE = 16  # positions


def attend_to_cache(attention, inputs, cache, position):
    """Attends to the earlier positions of each hypothesis and to itself.

    Args:
        attention: `MultiHeadAttention`, or a layer with the methods `keys_and_values`
            and `attend`.
        inputs: Tensor `(B, K, d_model)`: one vector for each of K hypotheses.
        cache: Result of `empty_cache`, or of this function for the previous position.
        position: Integer scalar tensor.

    Returns:
        Tensor `(B, K, d_model)` and the cache with the new position.

    Shape letters: B batch, K hypotheses of a sentence, L length of the cache.
    """
    if not is_shared(cache):
        rows = ops.reshape(inputs, (-1, 1, inputs.shape[-1]))  # (B * K, 1, d_model)
        new = attention.keys_and_values(rows)
        cache, mask = extended_cache(cache, *new, position)
        outputs, _ = attention.attend(rows, *cache.values(), mask)
        return ops.reshape(outputs, ops.shape(inputs)), cache
    cache = written_cache(cache, *attention.keys_and_values(inputs), position)
    if is_compiled_by_tensorflow():
        return _attend_in_blocks(attention, inputs, cache, position), cache
    # the K hypotheses of a sentence are K queries to its K * L keys
    mask = ancestors_mask(cache["ancestors"], *ops.shape(inputs)[:2])
    keys, values = (cache[name] for name in SHARED)
    outputs, _ = attention.attend(inputs, keys, values, mask)
    return outputs, cache


def may_share_cache(attention) -> bool:
    """Whether the hypotheses of a sentence may share the cache of a layer.

    A layer with another `attend` may depend on the place of a key.
    """
    return getattr(type(attention), "attend", None) is MultiHeadAttention.attend


def _attend_in_blocks(attention, inputs, cache, position):
    query = attention.split_heads(attention.query_dense(inputs))
    heads = blockwise_attention(
        query, *(cache[name] for name in SHARED), cache["ancestors"], position
    )
    return attention.output_dense(attention.merge_heads(heads))


def blockwise_attention(query, keys, values, ancestors, position):
    r"""Equation (1) for one step, without reading positions that are not written yet.

    A loop reads 16 positions at a time. With s_j the scores of a block and m the
    largest score so far, it adds up

        total  = sum_j exp(s_j - m)
        output = sum_j exp(s_j - m) v_j

    and multiplies both by exp(m - m') when the largest score grows to m'
    ([Milakov and Gimelshein 2018](https://arxiv.org/abs/1805.02867)). The result is
    output / total.

    Args:
        query: Tensor `(B, h, K, d_k)`.
        keys: Tensor `(B, h, L * K, d_k)` of a shared cache.
        values: Tensor `(B, h, L * K, d_k)` of a shared cache.
        ancestors: int32 tensor `(B * K, L)` of a shared cache.
        position: Integer scalar tensor: the last position that is written.

    Returns:
        Tensor `(B, h, K, d_k)`.

    Example: the values 5 and 7 have equal scores; nothing is written at position 2.

    >>> keys = ops.zeros((1, 1, 3, 2))
    >>> values = ops.array([[[[5.0], [7.0], [99.0]]]])
    >>> ancestors = ops.array([[0, 0, -1]])
    >>> blockwise_attention(keys[:, :, :1], keys, values, ancestors, 1).numpy().tolist()
    [[[[6.0]]]]

    Shape letters: B batch, h heads, K hypotheses of a sentence, L length of the cache.
    """
    batch_size, num_heads, beam_size, d_k = ops.shape(query)
    length = ops.shape(ancestors)[1]
    # JAX needs a static size
    smaller = min if isinstance(length, int) else ops.minimum
    size = smaller(length, BLOCK_SIZE)
    query = query * d_k**-0.5
    dtype = keras.backend.result_type(query.dtype, "float32")

    def read(tensor, first):
        shape = (batch_size, num_heads, size * beam_size, tensor.shape[-1])
        return ops.slice(tensor, (0, 0, first * beam_size, 0), shape)

    def add_block(number, largest, total, output):
        # the last block may begin earlier, so that it ends with the cache
        first = ops.minimum(number * size, length - size)
        slots = ops.slice(ancestors, (0, first), (batch_size * beam_size, size))
        is_new = first + ops.arange(size, dtype="int32") >= number * size
        mask = ancestors_mask(ops.where(is_new, slots, -1), batch_size, beam_size)
        scores = ops.matmul(query, ops.swapaxes(read(keys, first), -1, -2))
        scores = ops.where(mask[:, None], ops.cast(scores, dtype), MASKED_SCORE)
        larger = ops.maximum(largest, ops.max(scores, axis=-1, keepdims=True))
        powers = ops.where(mask[:, None], ops.exp(scores - larger), 0.0)
        change = ops.exp(largest - larger)
        total = total * change + ops.sum(powers, axis=-1, keepdims=True)
        block = ops.matmul(ops.cast(powers, values.dtype), read(values, first))
        output = output * change + ops.cast(block, dtype)
        return number + 1, larger, total, output

    _, _, total, output = ops.while_loop(
        lambda number, *_: number * size <= position,
        add_block,
        (
            ops.convert_to_tensor(0, dtype="int32"),
            ops.full((batch_size, num_heads, beam_size, 1), MASKED_SCORE, dtype),
            ops.zeros((batch_size, num_heads, beam_size, 1), dtype),
            ops.zeros((batch_size, num_heads, beam_size, values.shape[-1]), dtype),
        ),
    )
    return ops.cast(output / total, values.dtype)
