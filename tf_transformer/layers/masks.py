"""Masks of attention (sections 3.1 and 3.2.3): which keys a query may attend to.

All masks are boolean with `True` = may attend, as in Keras. A padding mask `(B, L)`
says which tokens are real; an attention mask `(B, T, S)` says which keys each query
may attend to. `docs/architecture.md` describes where masks are made and used.
"""

import functools

import keras
import numpy as np
from keras import ops

from tf_transformer.ids import PAD_ID
from tf_transformer.utils.known_values import known_values


def padding_mask(token_ids):
    """Marks real tokens, as opposed to padding.

    Args:
        token_ids: Integer tensor `(B, L)`; 0 is padding.

    Returns:
        Bool tensor `(B, L)`, `True` = real token.

    Example:

    >>> padding_mask(ops.array([[5, 9, 3, 0]])).numpy().tolist()
    [[True, True, True, False]]
    """
    return ops.not_equal(token_ids, PAD_ID)


def causal_mask(length, key_length=None):
    """Hides the future: position i may attend to positions 0 to i.

    Also called look-ahead mask; it "preserves the auto-regressive property"
    (section 3.2.3).

    Args:
        length: Integer or scalar tensor T, the number of queries.
        key_length: Integer or scalar tensor S. Defaults to `length`.

    Returns:
        Bool tensor `(1, T, S)`; row = query, column = key.

    Raises:
        ValueError: If the length is `None`, as it is in a functional model of
            variable length.

    Example:

    >>> causal_mask(3).numpy().astype(int).tolist()
    [[[1, 0, 0], [1, 1, 0], [1, 1, 1]]]
    """
    key_length = length if key_length is None else key_length
    if length is None or key_length is None:
        raise ValueError(
            "The length of a causal mask is not known yet. In a functional model of "
            "variable length pass use_causal_mask=True to the layer, or use "
            "decoder_self_attention_mask. Received: length=None"
        )
    return (ops.arange(key_length)[None, :] <= ops.arange(length)[:, None])[None]


def keys_mask(padding_mask):
    """Turns a padding mask into an attention mask that hides padded keys.

    Args:
        padding_mask: Bool tensor `(B, S)`, `True` = real token.

    Returns:
        Bool tensor `(B, 1, S)`: the same keys for every query.

    Raises:
        ValueError: If the rank is not 2.

    Example:

    >>> keys_mask(ops.array([[True, True, False]])).numpy().tolist()
    [[[True, True, False]]]
    """
    return _with_rank_2(padding_mask)[:, None, :]


def checked_padding_mask(padding_mask, inputs):
    """Checks the shape of a padding mask and returns it as a bool tensor.

    Args:
        padding_mask: Bool tensor `(B, L)`, `True` = real token.
        inputs: Tensor `(B, L, ...)` that the mask belongs to; only its shape is used.

    Returns:
        Bool tensor `(B, L)`.

    Raises:
        ValueError: If the mask has another shape.

    Example:

    >>> checked_padding_mask([[1, 1, 0]], ops.ones((1, 3, 8))).numpy().tolist()
    [[True, True, False]]
    """
    mask, expected = _with_rank_2(padding_mask), tuple(inputs.shape[:2])
    for size, expected_size in zip(mask.shape, expected, strict=True):
        if None not in (size, expected_size) and size != expected_size:
            raise ValueError(
                "The padding_mask does not fit the inputs. Expected shape "
                f"(batch, length)={expected}. Received: shape={tuple(mask.shape)}"
            )
    return mask


def _with_rank_2(padding_mask):
    mask = _as_bool(padding_mask)
    if len(mask.shape) != 2:
        raise ValueError(
            "A padding mask must have the shape (batch, length). "
            f"Received: shape={tuple(mask.shape)}"
        )
    return mask


def decoder_self_attention_mask(target_padding_mask):
    """Combines the causal mask with the padding mask of the target.

    Args:
        target_padding_mask: Bool tensor `(B, T)`, `True` = real token.

    Returns:
        Bool tensor `(B, T, T)`.

    Example:

    >>> attention_mask = decoder_self_attention_mask(ops.array([[True, True, False]]))
    >>> attention_mask.numpy().astype(int).tolist()
    [[[1, 0, 0], [1, 1, 0], [1, 1, 0]]]
    """
    if keras.backend.is_keras_tensor(target_padding_mask):
        # count positions instead of using the length, which may be unknown
        positions = ops.cumsum(ops.ones_like(target_padding_mask, "int32"), axis=1)
        causal = ops.expand_dims(positions, 1) <= ops.expand_dims(positions, 2)
    else:
        causal = causal_mask(ops.shape(target_padding_mask)[1])
    return ops.logical_and(keys_mask(target_padding_mask), causal)


def combine_masks(
    query, key, *, padding_mask=None, attention_mask=None, use_causal_mask=False
):
    """Combines masks: a key is hidden if any of the masks hides it.

    Args:
        query: Tensor `(B, T, ...)`; only its shape is used.
        key: Tensor `(B, S, ...)`; only its shape is used.
        padding_mask: Optional bool tensor `(B, S)`, `True` = real token.
        attention_mask: Optional bool tensor `(T, S)`, `(B, T, S)` or `(B, 1, S)`.
        use_causal_mask: Whether a query may attend only to keys up to its position.

    Returns:
        Bool tensor of rank 3 that broadcasts to `(B, T, S)`, or `None` if nothing is
        hidden.

    Raises:
        ValueError: If a mask has another shape, or values other than 0 and 1. The
            values are unknown in functional models and compiled functions, where a
            float attention mask is refused.

    Example:

    >>> x = ops.ones((1, 2, 8))
    >>> real = ops.array([[True, False]])
    >>> mask = combine_masks(x, x, padding_mask=real, use_causal_mask=True)
    >>> mask.numpy().tolist()
    [[[True, False], [True, False]]]
    """
    masks = []
    if padding_mask is not None:
        masks.append(keys_mask(checked_padding_mask(padding_mask, key)))
    if attention_mask is not None:
        masks.append(_with_rank_3(attention_mask, query, key))
    if use_causal_mask:
        masks.append(causal_mask(ops.shape(query)[1], ops.shape(key)[1]))
    return functools.reduce(ops.logical_and, masks) if masks else None


def _with_rank_3(attention_mask, query, key):
    mask = _as_bool(attention_mask, may_be_scores=True)
    if len(mask.shape) == 2:  # (T, S), the same for all sentences
        mask = mask[None]
    if len(mask.shape) != 3:
        raise ValueError(
            "An attention mask must have the shape (T, S), (B, T, S) or (B, 1, S); "
            "all heads share it. Received: attention_mask of "
            f"shape={tuple(attention_mask.shape)}"
        )
    expected = (query.shape[0], query.shape[1], key.shape[1])
    for size, expected_size in zip(mask.shape, expected, strict=True):
        if size not in (None, 1, expected_size) and expected_size is not None:
            raise ValueError(
                "The attention_mask does not fit query and key. Expected (T, S) or "
                f"(B, T, S) with (B, T, S)={expected}; a padding mask (B, S) is passed "
                f"as padding_mask. Received: shape={tuple(attention_mask.shape)}"
            )
    return mask


def _as_bool(mask, may_be_scores=False):
    if not hasattr(mask, "shape"):
        mask = ops.convert_to_tensor(mask)
    dtype = keras.backend.standardize_dtype(mask.dtype)
    if dtype == "bool":
        return mask
    values = known_values(mask)
    if values is None and may_be_scores and "float" in dtype:
        raise ValueError(
            "A float attention_mask may contain numbers to add to the scores, such as "
            "-1e9, which cannot be seen in a functional model or compiled function. "
            "Expected a bool mask; if 1 means may attend: ops.cast(mask, 'bool'). "
            f"Received: attention_mask of dtype={dtype}"
        )
    if values is not None and not np.isin(values, (0, 1)).all():
        raise ValueError(
            "A mask says which keys a query may attend to; it is not added to the "
            "scores. Expected True or 1 = may attend, and False or 0. "
            f"Received: values from {values.min()} to {values.max()}"
        )
    return ops.cast(mask, "bool")
