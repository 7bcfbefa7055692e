"""What a check found."""

import dataclasses

PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not checked"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One fault.

    Args:
        check: Name of the check, such as "causality".
        layer: Path of the layer at fault, or `None` if it is not in one layer.
        message: What is wrong.
        measured: Numbers behind the message.
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
        findings: The faults.
    """

    name: str
    status: str
    reason: str = ""
    findings: tuple[Finding, ...] = ()


class NotChecked(Exception):  # noqa: N818 (not an error)
    """A check does not apply to the model, or its inputs do not allow it."""
