"""Who influences whom: one token is changed at a time."""

import dataclasses

import numpy as np

from tf_transformer.diagnosis.comparison import (
    difference,
    other_rows,
    row_alone,
    up_to,
)
from tf_transformer.diagnosis.findings import Finding
from tf_transformer.diagnosis.subject import Subject


@dataclasses.dataclass(frozen=True)
class Influence:
    """How much each token of a sequence moves each output, in the first row.

    Args:
        name: The sequence.
        positions: Positions that were changed.
        matrix: Array `(outputs, changed positions)` of relative differences.
        other_rows: For each changed position, the largest difference in other rows.
    """

    name: str
    positions: list[int]
    matrix: np.ndarray
    other_rows: np.ndarray


def measure_influence(subject: Subject, name: str) -> Influence:
    """Changes the real tokens of the first row one by one.

    Args:
        subject: The model.
        name: The sequence.

    Returns:
        An `Influence`.
    """
    before = subject.reference.output
    scale = np.abs(before[np.isfinite(before)]).max(initial=0) or 1.0
    positions = subject.probes(name)
    columns, others = [], []
    for position in positions:
        after = subject.run(subject.inputs.with_other_token(name, 0, position)).output
        gap = np.abs(after - before) / scale
        gap = np.where(np.isnan(before) & np.isnan(after), 0.0, gap)
        gap = np.nan_to_num(gap, nan=np.inf, posinf=np.inf)
        has_positions = subject.output_sequence is not None
        rows = gap.reshape(*gap.shape[: 1 + has_positions], -1).max(axis=-1)
        columns.append(np.atleast_1d(rows[0]))
        others.append(rows[1:].max())
    return Influence(name, positions, np.stack(columns, axis=1), np.array(others))


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
    # the least far look ahead names the fault best
    column = int(np.flatnonzero(worst > subject.tolerances[0])[0])
    position = influence.positions[column]
    output = int(np.flatnonzero(leaks[:, column] > subject.tolerances[0])[-1])
    after = subject.run(
        subject.inputs.with_other_token(influence.name, 0, position)
    )
    return subject.compare(
        "causality",
        subject.reference,
        after,
        up_to(position - 1, subject.inputs.length(influence.name)),
        subject.tolerances[0],
        f"The output at position {output} of {influence.name} changes with the token "
        f"at position {position}, which is its future.",
    )


def check_batch(subject: Subject, influences) -> list[Finding]:
    """A row must not depend on its batch mates, nor on their number."""
    subject.must_be_deterministic()
    same, other = subject.tolerances
    num_rows = subject.inputs.num_rows
    for influence in influences:
        if influence.other_rows.max(initial=0) > same:
            position = influence.positions[int(np.argmax(influence.other_rows))]
            after = subject.run(
                subject.inputs.with_other_token(influence.name, 0, position)
            )
            return subject.compare(
                "batch",
                subject.reference,
                after,
                other_rows(num_rows, 0),
                same,
                f"A token of {influence.name} in one row changes the outputs of other "
                "rows.",
            )
    for row in (0, num_rows - 1):
        alone = subject.run(subject.inputs.rows([row]))
        gap = difference(subject.reference.output[row : row + 1], alone.output)
        if gap > other:
            return subject.compare(
                "batch",
                subject.reference,
                alone,
                row_alone(num_rows, row),
                other,
                "A row alone gets other outputs than the same row in a batch.",
            )
    return []
