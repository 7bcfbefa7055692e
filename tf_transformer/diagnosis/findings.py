"""Results of checks."""

import dataclasses

PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not checked"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One fault of the model.

    Args:
        check: Name of the check, such as "causality".
        layer: Path of the layer at fault, or `None` if it is not in one layer.
        message: Description of the fault.
        measured: The measured numbers, by name.
    """

    check: str
    layer: str | None
    message: str
    measured: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Args:
        name: Name of the check.
        status: "passed", "failed" or "not checked".
        reason: Why it was not checked.
        findings: The faults found.
    """

    name: str
    status: str
    reason: str = ""
    findings: tuple[Finding, ...] = ()


class NotChecked(Exception):  # noqa: N818 (not an error)
    """The check does not apply to this model or these inputs."""
