"""Checks of the loss: it ignores padding, and it fits the model's outputs."""

import keras
import numpy as np
from keras import ops

from tf_transformer.diagnosis.findings import Finding, NotChecked
from tf_transformer.diagnosis.subject import Subject
from tf_transformer.utils.keras_compat import implicit_mask, set_implicit_mask

LOGITS, PROBABILITIES = "logits", "probabilities"
MORE_PADDING = 3


class FunctionLoss(keras.losses.Loss):
    """Wraps a function of labels and predictions as a loss, as `compile` does."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)


class TokenLoss:
    """A loss of token labels.

    Args:
        loss: Name, function or `keras.losses.Loss`.
        sample_weight: Optional function from labels to sample weights.

    Raises:
        NotChecked: If there is no loss, or several.
    """

    def __init__(self, loss, sample_weight=None):
        loss = keras.losses.get(loss) if isinstance(loss, str | type) else loss
        if not callable(loss):
            raise NotChecked("there is no loss, or there are several")
        is_loss = isinstance(loss, keras.losses.Loss)
        self.loss = loss if is_loss else FunctionLoss(loss)
        self.sample_weight = sample_weight

    def __call__(self, labels, predictions) -> float:
        """The loss of integer labels, or of one-hot labels if it needs them."""
        weights = self.sample_weight and self.sample_weight(labels)
        try:
            value = self.loss(labels, predictions, sample_weight=weights)
        except (ValueError, TypeError):
            one_hot = ops.one_hot(labels, predictions.shape[-1])
            value = self.loss(one_hot, predictions, sample_weight=weights)
        return float(np.mean(ops.convert_to_numpy(value)))


def check_loss_padding(subject: Subject, loss, sample_weight) -> list[Finding]:
    """Neither predictions for padding nor their number may change the loss."""
    loss = TokenLoss(loss, sample_weight)
    name, pad_id = subject.output_sequence, subject.inputs.pad_id
    if name is None or subject.reference.output.ndim != 3:
        raise NotChecked("there are no scores for each position")
    if pad_id is None or pad_id != int(pad_id) or pad_id < 0:
        raise NotChecked("padded labels need a pad_id that is an id")
    pad_id, length = int(pad_id), subject.inputs.length(name)
    inputs = subject.inputs.with_padding_at_end(name, max(1, length // 3))
    run, real = subject.run(inputs), inputs.real(name)
    labels, mask = _labels(run.output.shape, pad_id, real), implicit_mask(run.tensor)
    expected = loss(labels, _with_mask(run.output, mask))
    rolled = np.where(real[..., None], run.output, np.roll(run.output, 1, axis=-1))
    changed = loss(labels, _with_mask(rolled, mask))
    if not _equal(changed, expected):
        message = "The loss changes with predictions at padded labels."
        message += _where_mask_ended(subject, run, mask)
        return [_finding(message, expected, changed)]
    changed = loss(*_with_more_padding(labels, run.output, mask, pad_id))
    if not _equal(changed, expected):
        message = (
            "The loss is divided by the number of positions, padding included: with "
            f"{MORE_PADDING} more of padding it is {changed:.4g} instead of "
            f"{expected:.4g}."
        )
        return [_finding(message, expected, changed)]
    return []


def _finding(message, expected, changed) -> Finding:
    measured = {"loss": expected, "changed_loss": changed}
    return Finding("loss over padding", None, message, measured)


def _with_mask(predictions, mask):
    """Predictions as a tensor, with the implicit mask of Keras if there is one."""
    tensor = ops.convert_to_tensor(predictions)
    if mask is not None:
        set_implicit_mask(tensor, ops.convert_to_tensor(mask))
    return tensor


def _with_more_padding(labels, predictions, mask, pad_id):
    widths = ((0, 0), (0, MORE_PADDING))
    if mask is not None:
        mask = np.pad(ops.convert_to_numpy(mask), widths, constant_values=False)
    predictions = np.pad(predictions, (*widths, (0, 0)), mode="edge")
    return (
        np.pad(labels, widths, constant_values=pad_id),
        _with_mask(predictions, mask),
    )


def _labels(shape, pad_id, real) -> np.ndarray:
    ids = np.delete(np.arange(shape[-1]), [pad_id] if pad_id < shape[-1] else [])
    labels = np.random.default_rng(0).choice(ids, shape[:2])
    return np.where(real, labels, pad_id).astype("int32")


def _equal(changed, expected) -> bool:
    return bool(np.isclose(changed, expected, rtol=1e-4, atol=1e-6))


def _where_mask_ended(subject, run, mask) -> str:
    """Names the last layer that received Keras' implicit mask, if the loss has none."""
    masked = [call for call in run.calls.values() if call.input_has_mask]
    if mask is not None or not masked:
        return ""
    last = subject.name(masked[-1].layer)
    return f" No implicit mask reaches it; the last layer that received one is {last}."


def check_logits(subject: Subject, loss) -> list[Finding]:
    """The model must return logits or probabilities, as the loss expects."""
    loss, output = TokenLoss(loss), subject.reference.output
    if output.shape[-1] == 2 or not np.isfinite(output).all():
        raise NotChecked("the outputs are not scores of classes")
    expected = _expected_predictions(loss, output.shape, subject.inputs.pad_id)
    if expected is None:
        raise NotChecked("the loss is not a cross entropy of classes")
    makers = [
        call.layer
        for call in subject.reference.calls.values()
        if call.output.shape == output.shape and np.array_equal(call.output, output)
    ]
    returned = _predictions(output, makers)
    if returned == expected:
        return []
    layer = subject.name(makers[0]) if makers else None
    message = f"The model returns {returned}, and the loss takes {expected}"
    twice = ": the softmax is applied twice." if returned == PROBABILITIES else "."
    return [Finding("logits", layer, message + twice)]


def _predictions(output, makers) -> str:
    """The kind of a model's outputs, from their values and their layers."""
    if output.shape[-1] > 1:
        if is_distribution(output):
            return PROBABILITIES
        if output.min() < 0:
            return LOGITS
        if output.max() <= 1:
            return "numbers between 0 and 1 that do not sum to 1"
        return "scores that are never negative"
    if output.min() < 0 or output.max() > 1:
        return LOGITS
    if any(_is_sigmoid(layer) for layer in makers):
        return PROBABILITIES
    raise NotChecked("the outputs may be logits or probabilities")


def _is_sigmoid(layer) -> bool:
    names = type(layer).__name__, getattr(layer, "activation", None)
    return names[0] == "Sigmoid" or getattr(names[1], "__name__", "") == "sigmoid"


def _expected_predictions(loss: TokenLoss, shape, pad_id) -> str | None:
    """Tries whether a loss takes logits or probabilities."""
    if shape[-1] == 1:
        return _expected_of_two_classes(loss, shape)
    size = shape[-1]
    right, wrong = [i for i in range(size) if i != pad_id][-2:]
    labels = np.full((1,) * (len(shape) - 1), right, "int32")

    def of(scores):
        predictions = np.asarray(scores, "float32").reshape((*labels.shape, size))
        return loss(labels, ops.convert_to_tensor(predictions))

    def is_cross_entropy(scale):
        low, high = (of(scale * np.eye(size)[i]) for i in (right, wrong))
        return high > 5 and low < 0.3 * high

    scores = np.random.default_rng(0).dirichlet(np.ones(size))
    ignores_shifts = np.isclose(of(scores), of(scores + 3), rtol=1e-3)
    if ignores_shifts:
        return LOGITS if is_cross_entropy(30) else None
    return PROBABILITIES if is_cross_entropy(1) else None


def _expected_of_two_classes(loss: TokenLoss, shape) -> str | None:
    def of(score):
        scores = np.full((1,) * len(shape), score, "float32")
        return loss(np.ones_like(scores), ops.convert_to_tensor(scores))

    if np.isclose(of(-30), 30, rtol=0.1) and of(30) < 0.1:
        return LOGITS
    if np.isclose(of(np.exp(-3)), 3, rtol=0.1) and of(1) < 0.1:
        return PROBABILITIES
    return None


def check_softmax(subject: Subject) -> list[Finding]:
    """No layer may take the softmax of a softmax."""
    findings = []
    for call in subject.reference.calls.values():
        scores = call.inputs[0] if call.inputs else None
        if (
            scores is None
            or scores.shape != call.output.shape
            or scores.ndim < 2
            or scores.shape[-1] < 3
            or not is_distribution(scores)
        ):
            continue
        exponentials = np.exp(scores)
        expected = exponentials / exponentials.sum(axis=-1, keepdims=True)
        if np.allclose(call.output, expected, rtol=1e-3, atol=1e-6):
            message = "The softmax of a softmax: its input sums to 1 already."
            findings.append(Finding("softmax", subject.name(call.layer), message))
    return findings


def is_distribution(array: np.ndarray) -> bool:
    """Whether all vectors of the last axis are probabilities that sum to 1.

    Args:
        array: Float array.

    Example:

    >>> is_distribution(np.array([[0.25, 0.75], [0.5, 0.5]]))
    True
    """
    if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
        return False
    sums = array.sum(axis=-1)
    return bool(array.min() >= 0 and np.abs(sums - 1).max() < 1e-3)
