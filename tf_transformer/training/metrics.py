"""Exact means over real target tokens."""

import keras
from keras import ops

from tf_transformer.data.update_weights import UpdateWeights
from tf_transformer.layers.masks import padding_mask
from tf_transformer.training.losses import (
    token_labels,
    token_negative_log_likelihood,
    token_weights,
)


class TokenMean(keras.metrics.Metric):
    """Mean of a value per real token, over all batches.

    A subclass defines `values(labels, logits)`, a tensor `(B, T)` of the values to
    average. Padding (label 0) does not count.

    In `compile(weighted_metrics=[...])` Keras passes the sample weights: the mean is
    then sum(weight * value) / sum(weight). In `metrics=[...]` every token has weight 1.
    """

    # callbacks such as `EarlyStopping` read it: whether the highest value is the best
    _direction = "down"

    def __init__(self, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable((), initializer="zeros", name="total")
        self.count = self.add_variable((), initializer="zeros", name="count")

    def values(self, labels, logits):
        raise NotImplementedError

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch.

        Args:
            y_true: Integer tensor `(B, T)` or `(B, T, 1)`; 0 is padding.
            y_pred: Logits `(B, T, V)`.
            sample_weight: Optional weights of tokens or sentences, as for
                `MaskedCrossEntropy`.
        """
        logits = ops.convert_to_tensor(y_pred)
        labels = token_labels(y_true, logits)
        is_token = padding_mask(labels)
        weights = ops.cast(is_token, self.dtype)
        if isinstance(sample_weight, UpdateWeights):
            (sample_weight,) = sample_weight
        if sample_weight is not None:
            weights = weights * token_weights(sample_weight, labels, self.dtype)
        values = ops.cast(self.values(labels, logits), self.dtype)
        # compiled functions do not check the labels
        is_known = ops.logical_and(labels >= 0, labels < logits.shape[-1])
        values = ops.where(is_known, values, float("nan"))
        values = ops.where(is_token, values, 0.0)
        self.total.assign_add(ops.sum(values * weights))
        self.count.assign_add(ops.sum(weights))

    def result(self):
        return ops.divide_no_nan(self.total, self.count)


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

    _direction = "up"

    def __init__(self, name="accuracy", **kwargs):
        super().__init__(name=name, **kwargs)

    def values(self, labels, logits):
        # on TensorFlow top_k passes over the logits once, argmax six times
        _, first = ops.top_k(logits, k=1)
        return ops.equal(ops.cast(first[..., 0], "int32"), labels)


@keras.saving.register_keras_serializable(package="tf_transformer")
class NegativeLogLikelihood(TokenMean):
    """Mean of -ln P(token), in nats, without label smoothing.

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
    """exp of the mean -ln P(token).

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
