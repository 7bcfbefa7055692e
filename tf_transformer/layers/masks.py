"""The masks of the paper: who may be looked at (sections 3.1 and 3.2.3).

All masks are boolean with `True` = may attend, as in Keras. They are made once,
from token ids, by the model and handed down as arguments.
"""

from keras import ops

from tf_transformer.ids import PAD_ID


def padding_mask(token_ids):
    """Tells real tokens from padding.

    Args:
        token_ids: Integer tensor `(B, L)`; 0 is padding.

    Returns:
        Bool tensor `(B, L)`, `True` where a real token stands.

    Example:

    >>> padding_mask(ops.array([[5, 9, 3, 0]])).numpy().tolist()
    [[True, True, True, False]]
    """
    return ops.not_equal(token_ids, PAD_ID)


def causal_mask(length):
    """Hides the future: position i sees the positions 0 to i.

    Also called look-ahead mask; it "preserves the auto-regressive property"
    (section 3.2.3).

    Args:
        length: Integer or scalar tensor L.

    Returns:
        Bool tensor `(1, L, L)`; row = looking position, column = position looked at.

    Example:

    >>> causal_mask(3).numpy().astype(int).tolist()
    [[[1, 0, 0], [1, 1, 0], [1, 1, 1]]]
    """
    positions = ops.arange(length)
    return (positions[None, :] <= positions[:, None])[None]


def keys_mask(token_padding_mask):
    """Turns a padding mask into an attention mask that hides padded keys.

    Args:
        token_padding_mask: Bool tensor `(B, S)`, `True` = real token.

    Returns:
        Bool tensor `(B, 1, S)`: the same keys for every query.
    """
    return token_padding_mask[:, None, :]


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
    length = ops.shape(target_padding_mask)[1]
    return ops.logical_and(keys_mask(target_padding_mask), causal_mask(length))
