"""Additional seeds and sizes of a test, which find no further faults."""

import pytest


def further(*values):
    """Values of `parametrize` that only `.ci/run full` tests."""
    marks = pytest.mark.long, pytest.mark.full
    return [pytest.param(value, marks=marks) for value in values]
