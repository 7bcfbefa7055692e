"""A run uses the requested devices, and its updates stay the same."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tf_transformer.runs.devices import device_scope
from tf_transformer.runs.directory import RunDirectory

ROOT = Path(__file__).parents[2]

WORDS = ["sun", "moon", "star", "tree", "bird", "fish"]


def test_one_device_needs_no_strategy():
    # these tests run if TensorFlow finds one CPU
    assert device_scope(1) is contextlib.nullcontext
    assert device_scope(None) is contextlib.nullcontext


def test_too_many_devices_are_an_error():
    with pytest.raises(ValueError, match="at most 1. Received: devices=2"):
        device_scope(2)


def test_other_backends_refuse_several_devices(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    assert device_scope(None) is contextlib.nullcontext
    with pytest.raises(ValueError, match="Received: devices=4 on jax"):
        device_scope(4)


@pytest.mark.slow
def test_a_run_may_change_its_number_of_devices(tmp_path):
    random = np.random.default_rng(7)
    chosen = [random.choice(WORDS, 2 + i % 4) for i in range(310)]
    lines = [" ".join(c) + "\t" + " ".join(c[::-1]).upper() for c in chosen]
    (tmp_path / "pairs.tsv").write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "tests.runs.two_devices"]
    command += [str(tmp_path / "pairs.tsv"), str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-3000:]
    assert "at most 2. Received: devices=3" in answer.stdout.splitlines()[-1]
    logs = [
        list(map(json.loads, RunDirectory(folder).json_log.read_text().splitlines()))
        for folder in (tmp_path / "one", tmp_path / "changing")
    ]
    assert [len(log) for log in logs] == [2, 2]
    assert logs[0][1]["nll"] < logs[0][0]["nll"] / 1.1
    for one, other in zip(*logs, strict=True):
        for name in ("nll", "val_nll"):
            assert other[name] == pytest.approx(one[name], rel=1e-4)
    assert RunDirectory(tmp_path / "changing").config().devices == 1
