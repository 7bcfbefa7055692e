"""Sample weights that already contain the division by the tokens of an update."""

from typing import Any, NamedTuple


class UpdateWeights(NamedTuple):
    """Marks sample weights for which the loss is the weighted *sum*, not the mean.

    Keras averages the gradients of n accumulated batches. For the mean over all
    tokens of the update, each real token needs the weight
    n / (real tokens of the update), and the loss must not divide again:
    `MaskedCrossEntropy` then returns the sum of loss times weight. With
    `gradient_accumulation_steps` > 1, `batches(...)` yields its weights in this form.
    For the same effect, wrap the weights of your own dataset in it. A named tuple
    passes through `tf.data`, `tf.distribute` and `fit` unchanged.

    Args:
        weights: `(B, T)` float32.

    Example:

    >>> import numpy as np
    >>> UpdateWeights(np.full((2, 3), 0.5, "float32")).weights.shape
    (2, 3)
    """

    weights: Any


def mark_update(batch: tuple, gradient_accumulation_steps: int) -> tuple:
    """Converts the weights to `UpdateWeights` if an update has several batches.

    Args:
        batch: `(inputs, labels, weights)`.
        gradient_accumulation_steps: Integer. Batches in an update.
    """
    inputs, labels, weights = batch
    if gradient_accumulation_steps > 1:
        weights = UpdateWeights(weights)
    return inputs, labels, weights
