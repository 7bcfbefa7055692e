"""Label-smoothed cross entropy that ignores padding (section 5.4)."""

import keras
from keras import ops

from tf_transformer.data.update_weights import UpdateWeights
from tf_transformer.layers.masks import padding_mask
from tf_transformer.utils.keras_compat import sum_over_replicas
from tf_transformer.utils.known_values import known_values


def token_labels(labels, logits):
    """Checks labels and returns them as an int32 tensor `(B, T)`.

    The values are checked only outside compiled functions.

    Args:
        labels: Integer tensor `(B, T)`, or `(B, T, 1)` as Keras accepts it.
        logits: Tensor `(B, T, V)`.

    Raises:
        ValueError: If the shapes do not fit, or a label is not in the vocabulary.
    """
    labels = ops.convert_to_tensor(labels)
    shape, expected = tuple(labels.shape), tuple(logits.shape[:-1])
    if len(expected) == 2 and len(shape) == 3 and shape[-1] == 1:
        labels, shape = ops.squeeze(labels, axis=-1), shape[:-1]
    if len(expected) != 2 or not _agree(shape, expected):
        raise ValueError(
            "Labels and logits do not belong together. Expected labels (B, T), which "
            f"are ids, and logits (B, T, V). Received: labels {tuple(labels.shape)}, "
            f"logits {tuple(logits.shape)}"
        )
    values = known_values(labels)
    if values is not None and values.size:
        is_bad = (values < 0) | (values >= logits.shape[-1])
        if is_bad.any():
            raise ValueError(
                "A label is not in the vocabulary. Expected 0 for padding, and 1 to "
                f"{logits.shape[-1] - 1}. Received: {values[is_bad][0]}"
            )
    return ops.cast(labels, "int32")


def token_weights(sample_weight, labels, dtype):
    """Returns weights of tokens or sentences that broadcast to `(B, T)`.

    Args:
        sample_weight: Tensor `(B, T)`, `(B, T, 1)`, `(B,)`, `(B, 1)`, or a scalar.
        labels: Tensor `(B, T)`.
        dtype: Dtype of the result.

    Raises:
        ValueError: If the shape is none of these.
    """
    weights = ops.cast(ops.convert_to_tensor(sample_weight), dtype)
    received = tuple(weights.shape)
    if len(received) == 3 and received[-1] == 1:
        weights = ops.squeeze(weights, axis=-1)
    elif len(received) == 1:
        weights = weights[:, None]
    shape = tuple(weights.shape)
    expected = labels.shape
    if len(shape) == 2:
        expected = [1 if n == 1 else m for n, m in zip(shape, expected, strict=True)]
    if shape and not _agree(shape, expected):
        raise ValueError(
            "sample_weight does not fit the labels. Expected the shape (B, T), "
            "(B, T, 1), (B, 1), (B,) or (). Received: sample_weight "
            f"{received}, labels {tuple(labels.shape)}"
        )
    return weights


def _agree(shape, expected) -> bool:
    """Whether two static shapes may be equal; `None` is any size."""
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )


def token_negative_log_likelihood(labels, logits):
    """-ln P(label) of each token; 0 where the label is padding.

    Args:
        labels: Integer tensor `(B, T)`.
        logits: Tensor `(B, T, V)`.

    Returns:
        float32 tensor `(B, T)`, in nats.
    """
    return smoothed_cross_entropy(labels, logits, label_smoothing=0.0)


def smoothed_cross_entropy(labels, logits, label_smoothing, dtype="float32"):
    """Cross entropy against (1 - epsilon) * one_hot(label) + epsilon / V.

    No tensor of one-hot labels is made. The result can be differentiated any number
    of times, and on JAX also in forward mode.

    Args:
        labels: Integer tensor `(B, T)`.
        logits: Tensor `(B, T, V)`.
        label_smoothing: Float epsilon in [0, 1).
        dtype: Dtype of the computation; at least float32. Defaults to float32.

    Returns:
        Tensor `(B, T)`, 0 where the label is padding. A label outside 0 to V - 1 is an
        error, or gives NaN in compiled functions.
    """
    logits = ops.cast(logits, keras.backend.result_type(dtype, "float32"))
    labels = ops.cast(labels, "int32")
    if keras.backend.backend() == "tensorflow":
        losses = _with_explicit_gradient(labels, label_smoothing)(logits)
    else:
        losses = _with_automatic_gradient(labels, label_smoothing, logits)
    # compiled functions would silently read another class
    is_known = ops.logical_and(labels >= 0, labels < logits.shape[-1])
    losses = ops.where(is_known, losses, float("nan"))
    return ops.where(padding_mask(labels), losses, 0.0)


def _with_automatic_gradient(labels, label_smoothing, logits):
    """Computes the losses in the form with the fastest gradient on the backend."""
    log_normalizers = 0.0
    if keras.backend.backend() == "torch":
        logits = ops.log_softmax(logits, axis=-1)  # already normalized
    else:
        log_normalizers = ops.logsumexp(logits, axis=-1)
    label_logits = ops.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    losses = log_normalizers - (1 - label_smoothing) * label_logits
    if label_smoothing:
        losses = losses - label_smoothing * ops.mean(logits, axis=-1)
    return losses


def _with_explicit_gradient(labels, label_smoothing):
    """Returns the losses as a function of the logits, with an explicit gradient.

    loss = logsumexp(logits) - (1 - epsilon) * logits[label] - epsilon * mean(logits)
    d loss / d logits = softmax(logits) - (1 - epsilon) * one_hot(label) - epsilon / V

    Loss and gradient share one softmax, so that `(B, T, V)` is read less often. The
    gradient can be differentiated again.
    """

    @ops.custom_gradient
    def cross_entropy(logits):
        probabilities = ops.softmax(logits, axis=-1)
        # the largest probability is at least 1 / V: its logarithm is finite
        log_normalizers = ops.max(logits, axis=-1) - ops.log(
            ops.max(probabilities, axis=-1)
        )
        label_logits = ops.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
        losses = log_normalizers - (1 - label_smoothing) * label_logits
        if label_smoothing:
            losses = losses - label_smoothing * ops.mean(logits, axis=-1)

        def gradient(upstream):
            vocab_size = logits.shape[-1]
            flat_labels = ops.reshape(labels, (-1,))
            upstream = ops.reshape(upstream, (-1, 1))
            dlogits = ops.reshape(probabilities, (-1, vocab_size))
            dlogits = (dlogits - label_smoothing / vocab_size) * upstream
            indices = ops.stack(
                [ops.arange(ops.shape(dlogits)[0]), flat_labels], axis=1
            )
            dlabels = ops.take_along_axis(dlogits, flat_labels[:, None], axis=-1)
            dlabels = dlabels - (1 - label_smoothing) * upstream
            dlogits = ops.scatter_update(dlogits, indices, dlabels[:, 0])
            return ops.reshape(dlogits, ops.shape(logits))

        return losses, gradient

    return cross_entropy


@keras.saving.register_keras_serializable(package="tf_transformer")
class MaskedCrossEntropy(keras.losses.Loss):
    r"""Cross entropy of the real target tokens, with label smoothing.

    Section 5.4 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762),
    epsilon_ls = `label_smoothing`. Convention: the label gets 1 - epsilon and epsilon
    is spread evenly over all V classes, the label's own included (as in Keras and in
    the work that the paper cites).

    By default the loss is the weighted mean over the real tokens, as with Keras'
    `"mean_with_sample_weight"`: sum(weight * token loss) / sum(weight). Without
    weights all tokens have weight 1. Under `tf.distribute.MirroredStrategy` both sums
    run over all replicas, so that an update equals the update on one device. Padding
    (label 0) never counts; a batch with only padding has loss 0. Keras' implicit masks,
    such as those of `Embedding(mask_zero=True)`, are not used.

    With `gradient_accumulation_steps` Keras averages the means of the batches. For the
    exact mean over the tokens of an update, `batches(...)` yields its weights as
    `UpdateWeights`; the loss is then the plain sum of weight times token loss.

    Args:
        label_smoothing: Float in [0, 1). Defaults to 0; the paper uses 0.1.
        reduction: `"mean_with_sample_weight"`; `"sum"`: sum(weight * token loss);
            `"sum_over_batch_size"` or `"mean"`: that sum divided by the number of real
            tokens; `"none"` or `None`: weight * token loss `(B, T)`. Defaults to
            `"mean_with_sample_weight"`.
        name: Defaults to `"masked_cross_entropy"`.
        dtype: Dtype of the computation. Half precision is raised to float32. Defaults
            to `keras.config.floatx()`.

    Call arguments:
        y_true: Integer tensor `(B, T)` or `(B, T, 1)`; 0 is padding.
        y_pred: Logits `(B, T, V)`.
        sample_weight: Optional tensor: `(B, T)` or `(B, T, 1)` for tokens, `(B,)` or
            `(B, 1)` for sentences, or a scalar; or `UpdateWeights` of one.

    Returns:
        Scalar float32 tensor, or `(B, T)` without a reduction.

    Raises:
        ValueError: If an argument or the shape of labels or weights is unexpected.

    Example: two classes besides padding, one real token, equal logits.

    >>> loss = MaskedCrossEntropy()
    >>> f"{loss(ops.array([[2, 0]]), ops.zeros((1, 2, 3))).numpy():.4f}"
    '1.0986'

    Shape letters: B batch, T target length, V vocabulary.
    """

    def __init__(
        self,
        label_smoothing=0.0,
        reduction="mean_with_sample_weight",
        name="masked_cross_entropy",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                "label_smoothing must be at least 0 and below 1. "
                f"Received: label_smoothing={label_smoothing}"
            )
        self.label_smoothing = label_smoothing

    def __call__(self, y_true, y_pred, sample_weight=None):
        logits = ops.convert_to_tensor(y_pred)
        labels = token_labels(y_true, logits)
        return self.reduced(self.call(labels, logits), labels, sample_weight)

    def reduced(self, losses, labels, sample_weight=None):
        """Weights the values of the tokens and reduces them, without padding.

        Args:
            losses: Tensor `(B, T)`.
            labels: Integer tensor `(B, T)`; 0 is padding.
            sample_weight: As in a call of the loss.

        Returns:
            Scalar tensor, or `(B, T)` without a reduction.
        """
        is_token = ops.cast(padding_mask(labels), losses.dtype)
        weights, reduction = is_token, self.reduction
        if isinstance(sample_weight, UpdateWeights):
            (sample_weight,) = sample_weight
            if reduction == "mean_with_sample_weight":
                reduction = "sum"
        if sample_weight is not None:
            weights = token_weights(sample_weight, labels, losses.dtype) * is_token
        losses = losses * weights
        if reduction in (None, "none"):
            return losses
        if reduction == "sum":
            return ops.sum(losses)
        # the mean over the real tokens of all replicas
        divisor = weights if reduction == "mean_with_sample_weight" else is_token
        return ops.divide_no_nan(ops.sum(losses), sum_over_replicas(ops.sum(divisor)))

    def call(self, y_true, y_pred):
        return smoothed_cross_entropy(y_true, y_pred, self.label_smoothing, self.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
            "dtype": self.dtype,
        }
