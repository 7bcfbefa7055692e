"""Checks of half precision: no overflow, and outputs close to float32."""

import contextlib

import numpy as np

from tf_transformer.diagnosis.findings import Finding, NotChecked
from tf_transformer.diagnosis.padding import not_finite
from tf_transformer.diagnosis.subject import Subject
from tf_transformer.utils.keras_compat import all_layers, dtype_policies

# Largest root mean square of the error, divided by that of the outputs.
MAX_ERRORS = {"mixed_float16": 0.1, "mixed_bfloat16": 0.4}


def check_half_precision(subject: Subject) -> list[Finding]:
    """Outputs in half precision must be finite and near the float32 outputs."""
    subject.must_be_deterministic()
    subject.must_see_layers()  # a compiled function would keep its dtype
    if not subject.is_float32:
        raise NotChecked("the model does not compute in float32")
    if any(name != "float32" for name in dtype_policies(subject.model)):
        raise NotChecked("the model is quantized")
    inputs = subject.inputs
    if inputs.has_padding:
        inputs = inputs.with_row_of_padding()
    expected = subject.run(inputs)
    if not np.isfinite(expected.output).all():
        raise NotChecked("outputs are not finite in float32 either")
    findings = []
    for policy, max_error in MAX_ERRORS.items():
        with dtype_policy(subject.model, policy):
            run = subject.run(inputs)
        if not np.isfinite(run.output).all():
            message = f"Under {policy} an output is not finite."
            findings.extend(not_finite("half precision", subject, run, message))
        elif (error := _error(expected.output, run.output)) > max_error:
            findings.append(_inexact(subject, policy, max_error, error, expected, run))
    return findings


def _inexact(subject, policy, max_error, error, expected, run) -> Finding:
    """The finding that names the first layer with a large error."""
    layer = None
    for key, call in run.calls.items():
        other = expected.calls.get(key)
        if (
            other is not None
            and other.output.shape == call.output.shape
            and np.issubdtype(other.output.dtype, np.floating)
            and _error(other.output, call.output) > max_error
        ):
            layer = subject.name(call.layer)
            break
    message = (
        f"Under {policy} outputs differ from float32 by {error:.0%} of their size."
    )
    return Finding("half precision", layer, message, {"error": error})


def _error(expected, received) -> float:
    size = np.linalg.norm(expected.astype("float64"))
    error = np.linalg.norm(expected.astype("float64") - received)
    error = error / size if size else 0.0
    return float(error) if np.isfinite(error) else float("inf")


@contextlib.contextmanager
def dtype_policy(model, policy: str):
    """Gives all layers of a model a dtype policy inside the `with` statement."""
    kept = [(layer, layer.dtype_policy) for layer in all_layers(model)]
    try:
        for layer, _ in kept:
            layer.dtype_policy = policy
        yield
    finally:
        for layer, before in kept:
            layer.dtype_policy = before
