"""The checks of a target find what they are for."""

import time
import warnings

import pytest

from tests.fuzzing.target import Finding, Target
from tests.fuzzing.worker import Findings, Progress


def target(read):
    return Target("x", read, lambda: [b"a"], in_error=("Received: ", "file"))


def raising(error):
    def read(data):
        raise error

    return read


def test_a_documented_error_is_none():
    target(raising(ValueError("file. Received: 1"))).check(b"")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("file"),
        ValueError("Received: 1"),
        UnicodeDecodeError("utf-8", b"file Received: ", 0, 1, "file Received: "),
    ],
)
def test_a_message_that_is_not_ours_is_a_finding(error):
    with pytest.raises(Finding, match=type(error).__name__):
        target(raising(error)).check(b"")


@pytest.mark.parametrize("error", [KeyError("a"), MemoryError(), RecursionError()])
def test_another_error_passes(error):
    with pytest.raises(type(error)):
        target(raising(error)).check(b"")


def test_a_warning_of_python_is_a_finding():
    target(lambda data: warnings.warn("header", UserWarning, stacklevel=1)).check(b"")
    with pytest.raises(Finding, match="RuntimeWarning: overflow"):
        target(
            lambda data: warnings.warn("overflow", RuntimeWarning, stacklevel=1)
        ).check(b"")


def test_a_long_time_is_a_finding(monkeypatch):
    monkeypatch.setattr("tests.fuzzing.target.MAX_SECONDS", 0.01)

    def read(data):
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass

    with pytest.raises(Finding, match=r"0\.0. s for 3 bytes|0\.\d s for 3 bytes"):
        target(read).check(b"abc")


def test_the_first_input_of_each_kind_is_kept(tmp_path):
    findings = Findings(tmp_path)
    for data in (b"first", b"second"):
        try:
            raising(KeyError("a"))(data)
        except KeyError as error:
            findings.add(data, error)
    [path] = tmp_path.glob("*.input")
    assert path.read_bytes() == b"first"
    assert "KeyError" in path.with_suffix(".txt").read_text()


def test_inputs_are_counted_across_processes(tmp_path):
    for _ in range(2):
        progress = Progress(tmp_path / "count")
        for _ in range(150):
            progress.add()
    assert Progress(tmp_path / "count").count == 300
