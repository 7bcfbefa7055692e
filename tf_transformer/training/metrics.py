"""Exact means over real target tokens."""

import keras
from keras import ops

from tf_transformer.layers.masks import padding_mask
from tf_transformer.training.losses import token_negative_log_likelihood


class TokenMean(keras.metrics.Metric):
    """Mean of a value per real token, over all batches seen.

    Subclasses say what is averaged, in `values(labels, logits)`, a tensor `(B, T)`.
    Padding (label 0) is left out.
    """

    def __init__(self, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable((), initializer="zeros", name="total")
        self.count = self.add_variable((), initializer="zeros", name="count")

    def values(self, labels, logits):
        raise NotImplementedError

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch. Weights are for the loss: here they are not used."""
        labels = ops.cast(ops.convert_to_tensor(y_true), "int32")
        is_token = padding_mask(labels)
        values = self.values(labels, ops.convert_to_tensor(y_pred))
        values = ops.where(is_token, ops.cast(values, self.dtype), 0.0)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(ops.sum(ops.cast(is_token, self.dtype)))

    def result(self):
        return self.total / ops.maximum(self.count, 1.0)


@keras.saving.register_keras_serializable(package="tf_transformer")
class MaskedAccuracy(TokenMean):
    """Share of real target tokens that the model ranks first (teacher forcing).

    Args:
        name: Defaults to `"accuracy"`.

    Example:

    >>> metric = MaskedAccuracy()
    >>> metric.update_state([[2, 1, 0]], ops.eye(3)[None])
    >>> metric.result().numpy().item()
    0.5
    """

    def __init__(self, name="accuracy", **kwargs):
        super().__init__(name=name, **kwargs)

    def values(self, labels, logits):
        # on TensorFlow top_k passes over the logits once, argmax six times
        _, first = ops.top_k(logits, k=1)
        return ops.equal(ops.cast(first[..., 0], "int32"), labels)


@keras.saving.register_keras_serializable(package="tf_transformer")
class NegativeLogLikelihood(TokenMean):
    """Mean of -ln P(token), in nats: the plain one, never smoothed.

    Args:
        name: Defaults to `"nll"`.

    Example:

    >>> metric = NegativeLogLikelihood()
    >>> metric.update_state([[2, 0]], ops.zeros((1, 2, 4)))
    >>> f"{metric.result().numpy():.4f}"
    '1.3863'
    """

    def __init__(self, name="nll", **kwargs):
        super().__init__(name=name, **kwargs)

    def values(self, labels, logits):
        return token_negative_log_likelihood(labels, logits)


@keras.saving.register_keras_serializable(package="tf_transformer")
class Perplexity(NegativeLogLikelihood):
    """exp of the mean -ln P(token): among how many tokens the model wavers.

    Args:
        name: Defaults to `"perplexity"`.

    Example:

    >>> metric = Perplexity()
    >>> metric.update_state([[2, 0]], ops.zeros((1, 2, 4)))
    >>> f"{metric.result().numpy():.4f}"
    '4.0000'
    """

    def __init__(self, name="perplexity", **kwargs):
        super().__init__(name=name, **kwargs)

    def result(self):
        return ops.exp(super().result())
