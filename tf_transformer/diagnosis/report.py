"""The doctor's report, as text and as a dictionary."""

import dataclasses
import textwrap

import numpy as np

from tf_transformer.diagnosis.findings import CheckResult, Finding
from tf_transformer.diagnosis.influence import Influence
from tf_transformer.diagnosis.picture import picture_of_influence

WIDTH = 100
INDENT = 40


@dataclasses.dataclass(frozen=True)
class Report:
    """The result of `doctor`. `print(report)` shows it.

    Args:
        model: Name of the model.
        results: The result of each check.
        influences: The measured influences, one for each sequence.
        causal: Name of the causal sequence, or `None`.
    """

    model: str
    results: list[CheckResult]
    influences: list[Influence]
    causal: str | None

    @property
    def findings(self) -> list[Finding]:
        """All findings."""
        return [finding for result in self.results for finding in result.findings]

    def status(self, check: str) -> str:
        """Returns "passed", "failed" or "not checked" for a check.

        Args:
            check: Name of the check.

        Raises:
            ValueError: If there is no such check.
        """
        for result in self.results:
            if result.name == check:
                return result.status
        names = [result.name for result in self.results]
        raise ValueError(
            f"There is no such check. Expected one of {names}. Received: {check!r}"
        )

    def picture(self):
        """Draws how strongly each token influences each output.

        There is one map for each sequence, with a row for each output and a column for
        each token. Dark cells are strong influences. Influences of future tokens in a
        causal sequence are framed in red.

        Returns:
            A `matplotlib.figure.Figure`.

        Raises:
            ImportError: If matplotlib is not installed.
        """
        return picture_of_influence(self.influences, self.causal, self.model)

    def to_dict(self) -> dict:
        """Returns the report as a JSON serializable dictionary."""
        return {
            "model": self.model,
            "causal": self.causal,
            "checks": [dataclasses.asdict(result) for result in self.results],
            "influence": {
                influence.name: {
                    "positions": influence.positions,
                    "matrix": np.nan_to_num(influence.matrix).tolist(),
                }
                for influence in self.influences
            },
        }

    def __str__(self) -> str:
        lines = [f"{self.model}: {_count(len(self.findings), 'finding')}"]
        for result in self.results:
            head = f"  {result.status:<12}{result.name}"
            if result.reason:
                lines.extend(_paragraph(head, result.reason))
            for i, finding in enumerate(result.findings):
                place = "" if finding.layer is None else f"{finding.layer}: "
                lines.extend(_paragraph("" if i else head, place + finding.message))
            if not result.reason and not result.findings:
                lines.append(head)
        return "\n".join(lines)


def _count(number, noun) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _paragraph(head, text) -> list[str]:
    first = f"{head:<{INDENT}}" if head else " " * (INDENT)
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=" " * (INDENT)
    )
