"""`doctor` runs all checks on a model."""

import contextlib
from collections.abc import Callable

import keras

from tf_transformer.diagnosis.arguments import (
    check_model,
    check_pad_id,
    check_training,
)
from tf_transformer.diagnosis.attention import check_attention
from tf_transformer.diagnosis.autodiff import eager_functions
from tf_transformer.diagnosis.findings import (
    FAILED,
    NOT_CHECKED,
    PASSED,
    CheckResult,
    NotChecked,
)
from tf_transformer.diagnosis.gradients import (
    check_gradients,
    check_past,
    check_weights,
)
from tf_transformer.diagnosis.half_precision import check_half_precision
from tf_transformer.diagnosis.influence import (
    check_batch,
    check_causality,
    check_influence,
    measure_influence,
)
from tf_transformer.diagnosis.inputs import Inputs
from tf_transformer.diagnosis.loss import (
    check_logits,
    check_loss_padding,
    check_softmax,
)
from tf_transformer.diagnosis.padding import (
    check_finite,
    check_padding,
    check_row_of_padding,
)
from tf_transformer.diagnosis.randomness import check_dropout, check_inference
from tf_transformer.diagnosis.report import Report
from tf_transformer.diagnosis.schedule import check_schedule
from tf_transformer.diagnosis.subject import Subject, build, takes_fixed_rows
from tf_transformer.diagnosis.vocabulary import UnknownIds
from tf_transformer.diagnosis.zero_weights import without_zero_weights
from tf_transformer.models.sequence_model import SequenceModel

# What a check runs, unless it runs the model alone.
SOURCES = {
    "logits": "the loss",
    "loss over padding": "the model, the loss or sample_weight",
    "schedule": "the schedule",
}


def doctor(
    model,
    inputs,
    *,
    causal=None,
    pad_id=0,
    loss=None,
    optimizer=None,
    sample_weight=None,
) -> Report:
    """Checks any Keras sequence model for faults of masks, gradients and loss.

    The doctor changes one thing at a time (a future token, the amount of padding,
    another row, the size of the batch, the dtype) and compares the outputs of all
    layers. If an output changes that must not, the finding names the first layer whose
    inputs were still equal. The doctor does not train, and it leaves the model
    unchanged. Weights that are all zero (an output layer, a gate, LoRA) get
    small random values during the examination.

    The model maps token ids `(B, L)` or features `(B, L, F)` to one output for each
    position or for each row. It may have several inputs. At most four rows are used,
    unless the model takes a fixed number.
    `docs/doctor.md` describes the checks and their limits.

    Args:
        model: A Keras model: functional, `Sequential` or subclassed.
        inputs: Example inputs: an array, or a flat dictionary, list or tuple of arrays,
            as the model takes them. They must contain at least two different ids
            besides padding. An input that is boolean or has "mask" in its name is a
            mask, `True` at real tokens.
        causal: Name (or index) of the input whose future is hidden from the outputs,
            or `True` for the input that has one output for each position. Defaults to
            "target_ids" for a `SequenceModel`; otherwise causality is not checked.
        pad_id: Id of padding, or the value of padded features. `None` if inputs are
            never padded. Defaults to 0.
        loss: Training loss: a name, a function or a `keras.losses.Loss`. Defaults to
            the loss of `compile`.
        optimizer: Training optimizer. Defaults to the optimizer of `compile`.
        sample_weight: Optional function from labels to sample weights, for a training
            in which sample weights hide padding.

    Returns:
        A `Report`: `print(report)`, `report.findings`, `report.to_dict()`,
        `report.picture()`.

    Raises:
        ValueError: If an argument has a wrong type, or if `inputs` or `causal` do not
            fit the model.

    Example: without a mask, a bidirectional layer reads padding.

    >>> import keras, numpy as np
    >>> model = keras.Sequential([
    ...     keras.layers.Embedding(23, 8),
    ...     keras.layers.Bidirectional(keras.layers.GRU(4, return_sequences=True)),
    ... ])
    >>> report = doctor(model, np.array([[5, 3, 8, 2, 9, 4]]))
    >>> [(finding.check, finding.layer) for finding in report.findings]
    [('padding', 'bidirectional/backward_gru (GRU)')]
    """
    check_model(model)
    check_pad_id(pad_id)
    check_training(loss, optimizer, sample_weight)
    if causal is None and isinstance(model, SequenceModel):
        causal = "target_ids"
    examples = Inputs.of(inputs, pad_id, fixed_rows=takes_fixed_rows(model))
    with _plain_errors(), eager_functions():
        build(model, examples)
        with without_zero_weights(model):
            subject = Subject(model, examples, causal)
            return _examine(subject, loss, optimizer, sample_weight)


@contextlib.contextmanager
def _plain_errors():
    """Keeps the messages of errors inside layers, which Keras wraps by default."""
    is_filtering = keras.config.is_traceback_filtering_enabled()
    keras.config.disable_traceback_filtering()
    try:
        yield
    finally:
        if is_filtering:
            keras.config.enable_traceback_filtering()


def _examine(subject, loss, optimizer, sample_weight) -> Report:
    model = subject.model
    batch = _result("batch", lambda: check_batch(subject))
    influences = [
        measure_influence(subject, name, together=batch.status == PASSED)
        for name in subject.inputs.sequences()
    ]
    loss = getattr(model, "loss", None) if loss is None else loss
    optimizer = getattr(model, "optimizer", None) if optimizer is None else optimizer
    checks = {
        **_checks_of_the_model(subject, influences),
        "logits": lambda: check_logits(subject, loss),
        "loss over padding": lambda: check_loss_padding(subject, loss, sample_weight),
        "schedule": lambda: check_schedule(optimizer),
    }
    results = [batch, *(_result(name, check) for name, check in checks.items())]
    return Report(model.name, results, influences, subject.causal)


def _checks_of_the_model(subject, influences) -> dict[str, Callable]:
    return {
        "finite": lambda: check_finite(subject),
        "inference": lambda: check_inference(subject),
        "influence": lambda: check_influence(subject, influences),
        "causality": lambda: _causality(subject, influences),
        "padding": lambda: check_padding(subject),
        "masked row": lambda: check_row_of_padding(subject),
        "attention": lambda: check_attention(subject),
        "dropout": lambda: check_dropout(subject),
        "weights": lambda: check_weights(subject),
        "gradients": lambda: check_gradients(subject),
        "gradients through time": lambda: check_past(subject),
        "half precision": lambda: check_half_precision(subject),
        "softmax": lambda: check_softmax(subject),
    }


def _causality(subject, influences):
    if subject.causal is None:
        raise NotChecked("no input is declared causal (argument causal)")
    return check_causality(subject, influences)


def _result(name: str, check: Callable) -> CheckResult:
    try:
        findings = tuple(check())
    except (NotChecked, UnknownIds) as reason:
        return CheckResult(name, NOT_CHECKED, str(reason))
    except Exception as error:  # a changed input, or dtype, that the model refuses
        first_line = next(iter(str(error).strip().splitlines()), "")
        source = SOURCES.get(name, "the model")
        reason = f"{source} raises {type(error).__name__}: {first_line}"
        return CheckResult(name, NOT_CHECKED, reason)
    return CheckResult(name, FAILED if findings else PASSED, "", findings)
