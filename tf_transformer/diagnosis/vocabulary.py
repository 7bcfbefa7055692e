"""Vocabularies of embeddings, and ids outside of them."""

import keras
import numpy as np

from tf_transformer.layers.embedding import TokenEmbedding


class UnknownIds(ValueError):  # noqa: N818 (a ValueError for users)
    """Ids of the example, or of padding, are not in the vocabulary of an embedding."""


def vocabulary_size(layer) -> int | None:
    """The number of ids that a layer takes, or `None` if it is not an embedding.

    Args:
        layer: A layer.

    Example:

    >>> vocabulary_size(keras.layers.Embedding(23, 12))
    23
    """
    if isinstance(layer, keras.layers.Embedding):
        return layer.input_dim
    return layer.vocab_size if isinstance(layer, TokenEmbedding) else None


def check_ids(layer, arrays, inputs) -> None:
    """Checks the inputs of a model that an embedding receives unchanged.

    Ids that the model computes, such as positions, are not checked: these are faults of
    the model.

    Args:
        layer: The layer that is called.
        arrays: Its inputs, as arrays.
        inputs: `Inputs` of the model.

    Raises:
        UnknownIds: If ids are not in the vocabulary.
    """
    size = vocabulary_size(layer)
    if size is None:
        return
    for name, ids in inputs.arrays.items():
        if not np.issubdtype(ids.dtype, np.integer) or not ids.size:
            continue
        is_known = ids.min() >= 0 and ids.max() < size
        if not is_known and any(np.array_equal(x, ids) for x in arrays):
            raise UnknownIds(
                f"Ids of {name}, and pad_id, must be in the vocabulary of the layer "
                f"{layer.name}: 0 to {size - 1}. "
                f"Received: ids from {ids.min()} to {ids.max()}"
            )
