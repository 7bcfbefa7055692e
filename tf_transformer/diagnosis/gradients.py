"""Checks of gradients: each weight gets one, they are finite and reach the past."""

import keras
import numpy as np
from keras import ops

from tf_transformer.diagnosis.autodiff import gradients_of_outputs, gradients_of_weights
from tf_transformer.diagnosis.comparison import Protected, first_difference, up_to
from tf_transformer.diagnosis.findings import Finding, NotChecked
from tf_transformer.diagnosis.subject import Subject
from tf_transformer.diagnosis.trace import is_float, owners, run_model, unchanged_state
from tf_transformer.utils.keras_compat import all_layers


def check_weights(subject: Subject) -> list[Finding]:
    """Every trainable weight must get a gradient from the outputs."""
    gradients = weight_gradients(subject.model, subject.inputs)
    without = {
        id(variable)
        for variable, gradient in gradients
        if gradient is None or not np.any(gradient)
    }
    findings, reported = [], set()
    for layer in all_layers(subject.model):  # outer layers come first
        weights = layer.trainable_variables
        dead = [v for v in weights if id(v) in without and id(v) not in reported]
        own = [v for v in dead if len(dead) == len(weights) or _is_own(layer, v)]
        if not own:
            continue
        reported |= {id(v) for v in own}
        names = ", ".join(dict.fromkeys(v.name for v in own))
        message = f"Weights that never get a gradient: {names}."
        findings.append(Finding("weights", subject.name(layer), message))
    return findings


def _is_own(layer, variable) -> bool:
    """Whether a variable belongs to a layer itself, not to a layer inside it."""
    inner = {id(v) for sub in all_layers(layer)[1:] for v in sub.variables}
    return id(variable) not in inner


def check_gradients(subject: Subject) -> list[Finding]:
    """Gradients must be finite, also with a row that is only padding."""
    inputs, place = subject.inputs, ""
    if inputs.has_padding:
        inputs, place = inputs.with_row_of_padding(), " with a row of padding alone"
        subject.run(inputs)  # raises an error if padding is not in the vocabulary
    gradients = weight_gradients(subject.model, inputs)
    broken = [
        variable
        for variable, gradient in gradients
        if gradient is not None and not np.isfinite(gradient).all()
    ]
    if not broken:
        return []
    message = f"{len(broken)} gradients are not finite{place}: {broken[0].path}."
    return [Finding("gradients", _last_layer_of(subject, broken), message)]


def _last_layer_of(subject, variables) -> str | None:
    """Names the last layer with one of these weights; gradients run backwards."""
    wanted = {id(variable) for variable in variables}
    owner = owners(subject.model)
    calls = [*subject.reference.calls.values()]
    layers = {id(owner[place]) for place in wanted if place in owner}
    last = next((c.layer for c in reversed(calls) if id(c.layer) in layers), None)
    return None if last is None else subject.name(last)


def weight_gradients(model, inputs) -> list[tuple]:
    """Gradients of a random projection of all outputs.

    Args:
        model: The model.
        inputs: `Inputs`.

    Returns:
        Pairs (variable, gradient as an array or `None`).

    Raises:
        NotChecked: Without trainable weights.
    """
    variables = list(model.trainable_variables)
    if not variables:
        raise NotChecked("the model has no trainable weights")
    with unchanged_state(model):
        gradients = gradients_of_weights(model, inputs.nested(), _projections)
    return list(zip(variables, gradients, strict=True))


def _projections(outputs):
    tensors = [x for x in keras.tree.flatten(outputs) if is_float(x)]
    return sum(map(_projection, tensors))


def _projection(output):
    weights = np.random.default_rng(0).normal(size=output.shape).astype("float32")
    return ops.sum(ops.cast(output, "float32") * ops.convert_to_tensor(weights))


def check_past(subject: Subject) -> list[Finding]:
    """A token that influences the last output must get a gradient from it."""
    subject.must_be_deterministic()
    name = subject.output_sequence
    if name is None:
        raise NotChecked("there is no output for each position")
    positions = np.flatnonzero(subject.inputs.real(name)[0])
    first, last = int(positions[0]), int(positions[-1])
    changed = subject.inputs.with_other_token(name, 0, first)
    after = subject.run(changed)
    gap = np.abs(after.output - subject.reference.output)[0, last].max()
    if gap <= subject.tolerances[0] * np.abs(subject.reference.output).max():
        raise NotChecked("the first token does not influence the last output")
    gradients = gradients_of_outputs(
        lambda replace: run_model(subject.model, subject.inputs, replace=replace),
        lambda output: _projection(output[0, last]),
    )
    length = subject.inputs.length(name)
    moved = [
        key
        for key, call in subject.reference.calls.items()
        if call.output.ndim == 3
        and call.output.shape[1] == length
        and key in after.calls
        and not np.array_equal(call.output[0, first], after.calls[key].output[0, first])
    ]
    reached = (gradients[key][0, first] for key in moved if key in gradients)
    if any(map(np.any, reached)):
        return []
    subject.must_see_layers()
    if not moved:
        return []
    protected = _only(last, length)
    call = first_difference(subject.reference, after, protected, subject.tolerances[0])
    message = (
        f"The token at position {first} of {name} changes the output at position "
        f"{last}, but gets no gradient from it."
    )
    layer = None if call is None else subject.name(call.layer)
    return [Finding("gradients through time", layer, message)]


def _only(position: int, length: int) -> Protected:
    before_that = up_to(length - 1, length)

    def pick(before, after):
        pair = before_that(before, after)
        return None if pair is None else (pair[0][position:], pair[1][position:])

    return pick
