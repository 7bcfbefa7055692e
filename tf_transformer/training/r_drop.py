"""R-Drop: two passes with different dropout should predict the same."""

import math

import keras
from keras import ops

from tf_transformer.training.losses import MaskedCrossEntropy, token_labels


def symmetric_divergence(first, second):
    """1/2 (KL(p || q) + KL(q || p)) of each token, where p and q are softmaxes.

    With logits u of p and v of q it is 1/2 sum((p - q) * (u - v)), because the
    logarithms of p and q are u and v up to constants, and p - q sums to 0.

    Args:
        first: Logits u, a tensor `(B, T, V)`.
        second: Logits v, a tensor `(B, T, V)`.

    Returns:
        Tensor `(B, T)`, in nats.

    Example: p = (1/3, 2/3) and q = (1/2, 1/2).

    >>> u, v = ops.log(ops.array([[[1.0, 2.0]]])), ops.zeros((1, 1, 2))
    >>> f"{symmetric_divergence(u, v)[0, 0].numpy():.4f}"  # ln(2) / 12
    '0.0578'
    """
    if keras.backend.backend() == "tensorflow":
        return _with_explicit_gradient(first, second)
    p, q = ops.softmax(first, axis=-1), ops.softmax(second, axis=-1)
    return ops.sum((p - q) * (first - second), axis=-1) / 2


@ops.custom_gradient
def _with_explicit_gradient(first, second):
    """Value and gradient share the softmaxes, so that `(B, T, V)` is read less often.

    d / du = 1/2 (p - q + p * (u - v - sum(p * (u - v)))), and the same for v with q
    and the opposite sign.
    """
    p, q = ops.softmax(first, axis=-1), ops.softmax(second, axis=-1)
    difference = first - second

    def gradient(upstream):
        def half(r):
            centered = difference - ops.sum(r * difference, axis=-1, keepdims=True)
            return upstream[..., None] / 2 * (p - q + r * centered)

        return half(p), -half(q)

    return ops.sum((p - q) * difference, axis=-1) / 2, gradient


@keras.saving.register_keras_serializable(package="tf_transformer")
class RDropCrossEntropy(MaskedCrossEntropy):
    r"""Masked cross entropy with R-Drop, for models with dropout.

    [R-Drop, Liang et al. 2021](https://arxiv.org/abs/2106.14448). Each batch passes
    through the model twice. Dropout differs: a token has two distributions p and q:

        loss = (CE(p) + CE(q)) / 2 + alpha * mean(1/2 (KL(p || q) + KL(q || p)))

    CE is `MaskedCrossEntropy`, with label smoothing. The divergence is weighted and
    averaged like CE: padding never counts.

    The model's `compute_loss` makes the second pass (see `models.TwoPasses`, which all
    models of this package inherit from). Called with one output, and in validation,
    this is `MaskedCrossEntropy`.

    Differs from the paper: its equation (4) adds CE(p) and CE(q), so its alpha is twice
    ours (alpha = 5 there is 2.5 here). The authors' code uses our form.

    Args:
        alpha: Float above 0. Weight of the divergence.
        **kwargs: Arguments of `MaskedCrossEntropy`, such as `label_smoothing`.

    Raises:
        ValueError: If an argument is out of range.

    Example: two classes besides padding; the second pass prefers one of them.

    >>> loss = RDropCrossEntropy(alpha=2.0)
    >>> labels, zeros = ops.array([[2, 0]]), ops.zeros((1, 2, 3))
    >>> f"{loss.consistency(labels, zeros, zeros + ops.array([0.0, 0.0, 1.0])):.4f}"
    '0.2428'

    Shape letters: B batch, T target length, V vocabulary.
    """

    def __init__(self, alpha, name="r_drop_cross_entropy", **kwargs):
        super().__init__(name=name, **kwargs)
        if not 0 < alpha < math.inf:
            raise ValueError(
                "alpha must be above 0; without R-Drop, use MaskedCrossEntropy. "
                f"Received: alpha={alpha}"
            )
        self.alpha = alpha

    def consistency(self, y_true, first, second, sample_weight=None):
        """alpha times the mean of the symmetric divergence of two passes.

        Args:
            y_true: Integer tensor `(B, T)` or `(B, T, 1)`; 0 is padding.
            first: Logits `(B, T, V)` of the first pass.
            second: Logits `(B, T, V)` of the second pass.
            sample_weight: As in a call of `MaskedCrossEntropy`.

        Returns:
            Scalar float32 tensor, or `(B, T)` without a reduction.
        """
        dtype = keras.backend.result_type(self.dtype, "float32")
        first, second = (ops.cast(logits, dtype) for logits in (first, second))
        labels = token_labels(y_true, first)
        divergences = symmetric_divergence(first, second)
        return self.alpha * self.reduced(divergences, labels, sample_weight)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha}
