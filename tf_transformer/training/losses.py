"""Label-smoothed cross entropy that knows padding (section 5.4)."""

import keras
from keras import ops

from tf_transformer.layers.masks import padding_mask


def token_negative_log_likelihood(labels, logits):
    """-ln P(label) of each token; 0 where the label is padding.

    Args:
        labels: Integer tensor `(B, T)`.
        logits: Tensor `(B, T, V)`.

    Returns:
        float32 tensor `(B, T)`, in nats.
    """
    return smoothed_cross_entropy(labels, logits, label_smoothing=0.0)


def smoothed_cross_entropy(labels, logits, label_smoothing):
    """Cross entropy against (1 - epsilon) * one_hot(label) + epsilon / V.

    No tensor of one-hot labels is made: the sum over classes is
    logsumexp(logits) - (1 - epsilon) * logits[label] - epsilon * mean(logits). Value
    and gradient share one softmax, to pass over `(B, T, V)` less often.

    Args:
        labels: Integer tensor `(B, T)`.
        logits: Tensor `(B, T, V)`.
        label_smoothing: Float epsilon in [0, 1).

    Returns:
        float32 tensor `(B, T)`, 0 where the label is padding.
    """
    logits = ops.cast(logits, "float32")
    labels = ops.cast(labels, "int32")
    losses = _cross_entropy(labels, label_smoothing)(logits)
    return ops.where(padding_mask(labels), losses, 0.0)


def _cross_entropy(labels, label_smoothing):
    """The losses as a function of the logits, with their gradient written out.

    d loss / d logits = softmax(logits) - (1 - epsilon) * one_hot(label) - epsilon / V
    """

    @ops.custom_gradient
    def cross_entropy(logits):
        probabilities = ops.softmax(logits, axis=-1)
        # the largest probability is at least 1 / V: its logarithm is finite
        log_normalizers = ops.max(logits, axis=-1) - ops.log(
            ops.max(probabilities, axis=-1)
        )
        of_label = ops.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
        losses = log_normalizers - (1 - label_smoothing) * of_label
        if label_smoothing:
            losses = losses - label_smoothing * ops.mean(logits, axis=-1)

        def gradient(*arguments, upstream=None):
            upstream = arguments[-1] if upstream is None else upstream
            vocab_size = logits.shape[-1]
            flat_labels = ops.reshape(labels, (-1,))
            upstream = ops.reshape(upstream, (-1, 1))
            result = ops.reshape(probabilities, (-1, vocab_size))
            result = (result - label_smoothing / vocab_size) * upstream
            places = ops.stack([ops.arange(ops.shape(result)[0]), flat_labels], axis=1)
            of_label = ops.take_along_axis(result, flat_labels[:, None], axis=-1)
            of_label = of_label - (1 - label_smoothing) * upstream
            result = ops.scatter_update(result, places, of_label[:, 0])
            return ops.reshape(result, ops.shape(logits))

        return losses, gradient

    return cross_entropy


@keras.saving.register_keras_serializable(package="tf_transformer")
class MaskedCrossEntropy(keras.losses.Loss):
    r"""Cross entropy of the real target tokens, with label smoothing.

    Section 5.4 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762),
    epsilon_ls = `label_smoothing`. Convention: the label gets 1 - epsilon and epsilon
    is spread evenly over all V classes, the label's own included (as in Keras and in
    the work that the paper cites).

    The loss is the *sum* of token loss times sample weight. `batches(...)` yields
    weights 1 / (number of real target tokens of the whole update), so that an update
    follows the mean over its tokens, however it is divided over micro-batches or
    replicas. Without sample weights (your own dataset of two-tuples) the loss divides
    by its own number of real tokens; under `tf.distribute.MirroredStrategy` that is
    wrong, since each replica then divides by its share.

    Padding (label 0) never adds to the loss; a batch of padding alone has loss 0.

    Args:
        label_smoothing: Float in [0, 1). Defaults to 0; the paper has 0.1.

    Call arguments:
        y_true: Integer tensor `(B, T)`; 0 is padding.
        y_pred: Logits `(B, T, V)`.
        sample_weight: Optional tensor `(B, T)`, or `(B, 1)` or `(B,)` for sentences.

    Returns:
        Scalar float32 tensor.

    Example: two classes beside padding, one real token, equal logits.

    >>> loss = MaskedCrossEntropy()
    >>> f"{loss(ops.array([[2, 0]]), ops.zeros((1, 2, 3))).numpy():.4f}"
    '1.0986'

    Shape letters: B batch, T target length, V vocabulary.
    """

    def __init__(self, label_smoothing=0.0, name="masked_cross_entropy", **kwargs):
        super().__init__(name=name, reduction="sum", **kwargs)
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                "label_smoothing must be at least 0 and below 1. "
                f"Received: label_smoothing={label_smoothing}"
            )
        self.label_smoothing = label_smoothing

    def __call__(self, y_true, y_pred, sample_weight=None):
        labels = ops.convert_to_tensor(y_true)
        losses = self.call(labels, ops.convert_to_tensor(y_pred))
        if sample_weight is None:
            num_tokens = ops.sum(ops.cast(padding_mask(labels), "float32"))
            return ops.sum(losses) / ops.maximum(num_tokens, 1.0)
        weights = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
        if len(weights.shape) == 1:
            weights = weights[:, None]
        return ops.sum(losses * weights)

    def call(self, y_true, y_pred):
        return smoothed_cross_entropy(y_true, y_pred, self.label_smoothing)

    def get_config(self):
        return {"name": self.name, "label_smoothing": self.label_smoothing}
