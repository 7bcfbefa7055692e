"""Checks of padding, and of outputs that are not finite."""

import dataclasses

import numpy as np
from keras import ops

from tf_transformer.diagnosis.comparison import first_not_finite, real_positions
from tf_transformer.diagnosis.findings import Finding, NotChecked
from tf_transformer.diagnosis.inputs import Inputs
from tf_transformer.diagnosis.subject import Subject


def check_padding(subject: Subject) -> list[Finding]:
    """Outputs at real positions must not depend on padding."""
    subject.must_be_deterministic()
    _needs_padding(subject)
    inputs = _with_alignment(subject)
    findings = []
    for names in inputs.sequences_by_length():
        findings.extend(_more_padding(subject, inputs, names[0]))
    return findings


def _with_alignment(subject) -> Inputs:
    """The inputs, aligned if the model refuses a change of one length only."""
    aligned = dataclasses.replace(subject.inputs, aligned=True)
    for name in subject.inputs.sequences():
        length = subject.inputs.length(name) - 1
        alone, together = subject.inputs.cut(name, length), aligned.cut(name, length)
        has_mates = any(
            array.shape != together.arrays[other].shape
            for other, array in alone.arrays.items()
        )
        if has_mates and not _takes(subject, alone) and _takes(subject, together):
            return aligned
    return subject.inputs


def _takes(subject, inputs) -> bool:
    try:
        subject.run(inputs)
    except Exception:  # shapes that do not fit; errors differ
        return False
    return True


def _needs_padding(subject) -> None:
    if not subject.inputs.has_padding:
        raise NotChecked("pad_id is None: inputs are never padded")


def _more_padding(subject, inputs, name) -> list[Finding]:
    """Compares a short sequence with the same sequence followed by padding."""
    length = inputs.length(name)
    count = max(1, length // 3)
    short = inputs.cut(name, length - count)
    long = short.padded(name, count)
    try:
        before = subject.run(short)
    except Exception:  # the model takes one length only; errors differ
        return _other_padding(subject, name, long)
    message = (
        f"Padding behind {name} changes outputs at real positions: {length - count} "
        f"positions alone, and with {count} of padding."
    )
    return _compare(subject, short, name, count, before, subject.run(long), message)


def _compare(subject, inputs, name, more, before, after, message) -> list[Finding]:
    real = {names[0]: inputs.real(names[0]) for names in inputs.sequences_by_length()}
    return subject.compare(
        "padding",
        before,
        after,
        real_positions(real, name, more),
        subject.tolerances[1],
        message,
    )


def _other_padding(subject, name, inputs: Inputs) -> list[Finding]:
    """For models of a fixed length: adds noise to the vectors at padded positions.

    The noise is added to the output of the embedding (or `Masking`); masks are not
    changed.
    """
    before = subject.run(inputs)
    is_pad = ~inputs.real(name)
    ids = inputs.arrays[name]
    embeddings = {
        id(call.layer)
        for call in before.calls.values()
        if call.output.ndim == 3
        and call.output.shape[:2] == is_pad.shape
        and any(x.shape == ids.shape and np.array_equal(x, ids) for x in call.inputs)
        and (ids.ndim == 2 or type(call.layer).__name__ == "Masking")
    }
    if not embeddings:
        raise NotChecked(
            f"{name} has a fixed length, and no layer maps its ids to vectors"
        )

    def noise(layer, output):
        if id(layer) not in embeddings or tuple(output.shape[:2]) != is_pad.shape:
            return None
        values = np.random.default_rng(0).normal(size=output.shape)
        values = (values * is_pad[..., None]).astype("float32")
        return output + ops.cast(values, output.dtype)

    after = subject.run(inputs, replace=noise)
    message = f"Values at padded positions of {name} change outputs at real positions."
    return _compare(subject, inputs, name, 0, before, after, message)


def check_row_of_padding(subject: Subject) -> list[Finding]:
    """Outputs must be finite, even with a row that is only padding."""
    _needs_padding(subject)
    run = subject.run(subject.inputs.with_row_of_padding())
    if np.isfinite(run.output).all():
        return []
    return not_finite("masked row", subject, run, "A row of padding alone gives NaN.")


def check_finite(subject: Subject) -> list[Finding]:
    """Outputs must be finite."""
    if np.isfinite(subject.reference.output).all():
        return []
    message = "An output is not finite."
    return not_finite("finite", subject, subject.reference, message)


def not_finite(check, subject, run, message) -> list[Finding]:
    """Makes the finding for a run with outputs that are not finite."""
    call = first_not_finite(run)
    layer = None if call is None else subject.name(call.layer)
    share = float(np.mean(~np.isfinite(run.output)))
    return [Finding(check, layer, message, {"share_not_finite": share})]
