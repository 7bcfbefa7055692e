"""Checks of dropout: off at inference, on in training."""

import keras
import numpy as np

from tf_transformer.diagnosis.comparison import first_difference
from tf_transformer.diagnosis.findings import Finding, NotChecked
from tf_transformer.diagnosis.subject import HIDDEN, Subject
from tf_transformer.diagnosis.trace import owners
from tf_transformer.utils.keras_compat import all_layers

DROPOUTS = (
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.AlphaDropout,
)


def check_inference(subject: Subject) -> list[Finding]:
    """Inference must be repeatable and must not change the model's state."""
    return [*_random_layer(subject), *_changed_state(subject)]


def _random_layer(subject) -> list[Finding]:
    if not subject.is_random:
        return []
    runs = subject.reference, subject.repeated
    call = first_difference(*runs, lambda x, y: (x, y), 0.0)
    layer = None if call is None else subject.name(call.layer)
    return [
        Finding(
            "inference",
            layer,
            "Two runs with training=False give different outputs.",
        )
    ]


def _changed_state(subject) -> list[Finding]:
    """Finds layers whose state changes, such as the averages of BatchNormalization."""
    owner = owners(subject.model)
    changed = {}
    pairs = zip(subject.state_before, subject.state_after, strict=True)
    for (variable, before), (_, after) in pairs:
        layer = owner.get(id(variable), subject.model)
        if "seed_generator_state" in variable.path:
            continue
        if not np.array_equal(before, after):
            changed.setdefault(id(layer), (layer, []))[1].append(variable.name)
    return [
        Finding(
            "inference",
            subject.name(layer),
            f"A run with training=False changes {', '.join(names)}: the layer is in "
            "training mode.",
        )
        for layer, names in changed.values()
    ]


def check_dropout(subject: Subject) -> list[Finding]:
    """Every dropout layer with a rate above 0 must act in training."""
    dropouts = [
        layer
        for layer in all_layers(subject.model)
        if isinstance(layer, DROPOUTS) and layer.rate > 0
    ]
    if not dropouts:
        raise NotChecked("no dropout layer has a rate above 0")
    run, calls = subject.run(training=True), {}
    for call in run.calls.values():
        calls.setdefault(id(call.layer), []).append(call)
    findings, hidden = [], False
    for layer in dropouts:
        made = calls.get(id(layer), [])
        if any(not np.array_equal(call.inputs[0], call.output) for call in made):
            continue
        if not made and id(layer) in run.hidden:
            hidden = True
            continue
        problem = "does nothing in training" if made else "is never called"
        message = f"Dropout of rate {layer.rate} {problem}."
        findings.append(Finding("dropout", subject.name(layer), message))
    if hidden and not findings:
        raise NotChecked(HIDDEN)
    return findings
