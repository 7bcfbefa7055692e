"""Labels and logits for tests of losses, and the paper's loss of them."""

import numpy as np

from tests import reference
from tests.backend import gradients

VOCAB = 11


def batch(shape=(3, 5), seed=0):
    """Labels with padding at different places, and logits: (B, T), (B, T, V)."""
    random = np.random.default_rng(seed)
    labels = random.integers(1, VOCAB, size=shape, dtype="int32")
    labels[0, -1:] = 0
    labels[1, -3:] = 0
    return labels, random.normal(scale=2.0, size=(*shape, VOCAB)).astype("float32")


def by_reference(labels, logits, epsilon):
    losses = np.zeros(labels.shape)
    for place in zip(*np.nonzero(labels), strict=True):
        losses[place] = reference.smoothed_cross_entropy(
            labels[place], logits[place].astype("float64"), epsilon
        )
    return losses


def loss_and_gradient(loss, labels, logits, weights=None):
    def value(logits):
        return loss(labels, logits, sample_weight=weights)

    (gradient,) = gradients(value, logits)
    return float(value(logits)), gradient.copy()
