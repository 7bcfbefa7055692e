"""Seeds and sizes of a test that repeat what its other ones check."""

import pytest


def further(*values):
    """Values of `parametrize` that only `.ci/run full` tests."""
    marks = pytest.mark.long, pytest.mark.full
    return [pytest.param(value, marks=marks) for value in values]
