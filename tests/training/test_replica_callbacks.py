"""Callbacks on several replicas, for more updates than their intervals."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.needs_tensorflow
@pytest.mark.slow
def test_every_callback_works_on_two_replicas(tmp_path):
    command = [sys.executable, "-m", "tests.training.replica_callbacks", tmp_path]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-3000:]
    found = json.loads(answer.stdout.splitlines()[-1])
    points, updates, (every, look) = found["points"], found["updates"], found["every"]
    assert updates > 2 * max(every, look)
    assert points["update/nll"] == list(range(every, updates + 1, every))
    assert points["gradient/encoder/block_0"] == list(range(look, updates + 1, look))
    assert points["epoch/bleu"] == [1, 2]
    assert {tag for tag in points if tag.startswith("attention_cross/")}
    assert found["epoch"] == found["state"]["epoch"] == 2
    assert found["same_weights"]
    assert found["loaded_updates"] == updates == found["log"][1]["updates"]
    best = found["state"]["best"]["best"]
    assert best == min(line["val_nll"] for line in found["log"])
