"""Seeds and sizes of a test beyond those that already see all that can break."""

import pytest


def further(*values):
    """Values of `parametrize` that only `.ci/run full` tests."""
    marks = pytest.mark.long, pytest.mark.full
    return [pytest.param(value, marks=marks) for value in values]
