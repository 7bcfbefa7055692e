"""Measures which tokens influence which outputs, one token at a time."""

import dataclasses

import numpy as np

from tf_transformer.diagnosis.comparison import other_rows, row_alone, up_to
from tf_transformer.diagnosis.findings import Finding
from tf_transformer.diagnosis.subject import Subject


@dataclasses.dataclass(frozen=True)
class Influence:
    """How much each token of a sequence changes each output, in the first row.

    Args:
        name: The sequence.
        positions: Positions that were changed.
        matrix: Array `(outputs, changed positions)` of relative differences.
    """

    name: str
    positions: list[int]
    matrix: np.ndarray


def measure_influence(subject: Subject, name: str, together: bool) -> Influence:
    """Changes the real tokens of the first row one by one.

    Args:
        subject: The model.
        name: The sequence.
        together: Whether to run all changes as rows of one batch. The rows of the
            model must be independent.

    Returns:
        An `Influence`.
    """
    positions = subject.probes(name)
    changed = [subject.inputs.with_other_token(name, 0, p) for p in positions]
    if together and not subject.inputs.fixed_rows:
        batch = subject.inputs.rows([0]).and_rows([i.rows([0]) for i in changed])
        before, *after = subject.run(batch).output
    else:
        before = subject.reference.output[0]
        after = [subject.run(inputs).output[0] for inputs in changed]
    columns = [_influences(before, row, subject.output_sequence) for row in after]
    return Influence(name, positions, np.stack(columns, axis=1))


def _influences(before, after, output_sequence) -> np.ndarray:
    """Relative difference at each output position."""
    scale = np.abs(before[np.isfinite(before)]).max(initial=0) or 1.0
    gap = np.where(np.isnan(before) & np.isnan(after), 0.0, np.abs(after - before))
    gap = np.nan_to_num(gap / scale, nan=np.inf, posinf=np.inf)
    length = 1 if output_sequence is None else len(before)
    return gap.reshape(length, -1).max(axis=-1)


def check_influence(subject: Subject, influences) -> list[Finding]:
    """Each sequence must have some influence on the outputs."""
    subject.must_be_deterministic()
    return [
        Finding(
            "influence",
            None,
            f"The input {influence.name} has no influence on any output.",
            {"relative_difference": float(influence.matrix.max(initial=0))},
        )
        for influence in influences
        if influence.matrix.max(initial=0) <= subject.tolerances[0] / 10
    ]


def check_causality(subject: Subject, influences) -> list[Finding]:
    """Future tokens must not change the past."""
    subject.must_be_deterministic()
    (influence,) = (i for i in influences if i.name == subject.causal)
    rows = np.arange(len(influence.matrix))[:, None]
    is_future = rows < np.array(influence.positions)[None]
    leaks = np.where(is_future, influence.matrix, 0)
    worst = leaks.max(axis=0)
    if worst.max(initial=0) <= subject.tolerances[0]:
        return []
    # the nearest future token explains the fault best
    column = int(np.flatnonzero(worst > subject.tolerances[0])[0])
    position = influence.positions[column]
    output = int(np.flatnonzero(leaks[:, column] > subject.tolerances[0])[-1])
    after = subject.run(subject.inputs.with_other_token(influence.name, 0, position))
    return subject.compare(
        "causality",
        subject.reference,
        after,
        up_to(position - 1, subject.inputs.length(influence.name)),
        subject.tolerances[0],
        f"The output at position {output} of {influence.name} changes with the token "
        f"at position {position}, which is its future.",
        gap=float(worst[column]),
    )


def check_batch(subject: Subject) -> list[Finding]:
    """A row must not depend on other rows, nor on their number."""
    subject.must_be_deterministic()
    same, other = subject.tolerances
    before, num_rows = subject.reference, subject.inputs.num_rows
    for name in subject.inputs.sequences():
        changed = subject.inputs
        for position in subject.probes(name):
            changed = changed.with_other_token(name, 0, position)
        findings = subject.compare(
            "batch",
            before,
            subject.run(changed),
            other_rows(num_rows, 0),
            same,
            f"Tokens of {name} in one row change the outputs of other rows.",
        )
        if findings:
            return findings
    if subject.inputs.fixed_rows:
        return []
    for row in (0, num_rows - 1):
        findings = subject.compare(
            "batch",
            before,
            subject.run(subject.inputs.rows([row])),
            row_alone(num_rows, row),
            other,
            "A row alone gets other outputs than the same row in a batch.",
        )
        if findings:
            return findings
    return []
