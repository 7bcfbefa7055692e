"""Checks of token ids: type, rank, length and vocabulary."""

import keras
import numpy as np
from keras import ops

from tf_transformer.utils.known_values import known_values


def check_token_ids(token_ids, name="token_ids", max_length=None, vocab_size=None):
    """Checks the token ids of a batch of sentences and casts them to int32.

    Type, rank and length are always checked, in compiled functions when they are
    traced. The values are checked only outside compiled functions.

    Args:
        token_ids: Tensor or array `(B, L)` of integers, or of floats that are
            integers, such as from `keras.Input((None,))`.
        name: Name of the argument, for the error.
        max_length: Optional integer. The largest L.
        vocab_size: Optional integer. Number of ids.

    Returns:
        int32 tensor `(B, L)`.

    Raises:
        ValueError: For strings, ragged tensors, another rank, a longer batch, or an
            id that is not in the vocabulary.

    Example:

    >>> check_token_ids([[5.0, 3.0]]).numpy().tolist()
    [[5, 3]]
    """
    uncast, token_ids = token_ids, as_integers(token_ids, name)
    if len(token_ids.shape) != 2:
        raise ValueError(
            f"{name} must have the shape (batch, length). "
            f"Received: shape={tuple(token_ids.shape)}"
        )
    length = token_ids.shape[1]
    if max_length is not None and length is not None and length > max_length:
        raise ValueError(
            "A sentence is longer than the model's limit. Expected at most "
            f"max_length={max_length} tokens in {name}. Received: length={length}"
        )
    if vocab_size is not None:
        _check_values(uncast, name, vocab_size)
    return token_ids


def as_integers(token_ids, name="token_ids"):
    """Casts token ids to int32.

    Args:
        token_ids: Tensor or array of numbers.
        name: Name of the argument, for the error.

    Returns:
        int32 tensor of the same shape.

    Raises:
        ValueError: For strings and ragged tensors.
    """
    if hasattr(token_ids, "row_splits"):
        raise ValueError(
            f"{name} must be a dense tensor, padded with 0. Expected "
            "`ids.to_tensor()`. Received: a ragged tensor"
        )
    if not keras.backend.is_keras_tensor(token_ids):
        try:
            token_ids = ops.convert_to_tensor(token_ids)
        except (TypeError, ValueError):
            token_ids = np.asarray(token_ids)
    if not any(kind in str(token_ids.dtype) for kind in ("int", "float", "bool")):
        raise ValueError(
            f"{name} must be numbers: a tokenizer makes them from text. "
            f"Received: dtype={token_ids.dtype}"
        )
    return ops.cast(token_ids, "int32")


def _check_values(token_ids, name, vocab_size):
    values = known_values(token_ids)
    if values is None or not values.size:
        return
    is_bad = (values < 0) | (values >= vocab_size) | (values != np.floor(values))
    if is_bad.any():
        bad_id = values[is_bad][0]
        raise ValueError(
            f"An id in {name} is not in the vocabulary. Expected 0 to "
            f"{vocab_size - 1} (vocab_size={vocab_size}). Received: {bad_id}"
        )
