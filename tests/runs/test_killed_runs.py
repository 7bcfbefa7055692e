"""Runs that were killed and resumed equal a run that was not."""

import json
import os
import subprocess
import sys

import pytest

from tests.backend import BACKEND
from tests.fast import FAST
from tests.runs.killed_pairs import NAMES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BACKEND != "tensorflow", reason="forks TensorFlow"),
]
AVERAGES = ({"ema_momentum": 0.9}, {"ema_momentum": None, "average_last": 2})
# an epoch has 4 updates
SAMPLE = (5,) if FAST else range(1, 7)


def killed_runs(folder, *places, **environment):
    command = [sys.executable, "-m", "tests.runs.killed_runs", str(folder)]
    result = subprocess.run(
        [*command, *map(str, places)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_a_run_killed_after_chosen_updates_equals_one_that_was_not(tmp_path):
    found = killed_runs(tmp_path, *SAMPLE, TRACED="1")
    last = SAMPLE[-1] + 1
    assert (found["kills"], found["updates"], found["lines"]) == (len(SAMPLE), last, 2)
    assert found["variables"] > 90 and found["points"] > 20
    assert found["different"] == {"last": []}


@pytest.mark.full
@pytest.mark.skipif(FAST, reason="200 processes")
def test_a_run_killed_after_each_of_200_updates_equals_one_that_was_not(tmp_path):
    settings = json.dumps({"validate_every": 30, "telemetry": 40})
    found = killed_runs(tmp_path, *range(1, 201), SETTINGS=settings)
    assert (found["kills"], found["updates"], found["lines"]) == (200, 201, 7)
    assert found["different"] == {"last": []}


@pytest.mark.parametrize("places", [NAMES[:1] if FAST else NAMES])
def test_a_run_killed_while_a_file_is_written_equals_one_that_was_not(tmp_path, places):
    found = killed_runs(tmp_path, *places)
    assert found["kills"] == len(places)
    assert found["different"] == {place: [] for place in places}


@pytest.mark.full
@pytest.mark.parametrize("averages", AVERAGES)
def test_a_run_on_two_replicas_killed_within_epochs_equals_one_that_was_not(
    tmp_path, averages
):
    replicas = {"distribute": "mirrored", "devices": 2, "static_shapes": True}
    replicas |= {"gradient_accumulation_steps": 1, "validate_every": 2}
    found = killed_runs(
        tmp_path,
        2,
        5,
        SETTINGS=json.dumps({**replicas, **averages}),
        DEVICES="2",
        TRACED="1",
    )
    assert found["kills"] == 2
    assert found["variables"] > 90 and found["points"] > 9
    assert found["different"] == {"last": []}


@pytest.mark.full
def test_a_run_on_jax_killed_within_epochs_equals_one_that_was_not(tmp_path):
    pytest.importorskip("jax")
    settings = {"static_shapes": True, "telemetry": None}
    found = killed_runs(
        tmp_path,
        2,
        5,
        KERAS_BACKEND="jax",
        SETTINGS=json.dumps(settings),
        JAX_DISABLE_MOST_OPTIMIZATIONS="1",
        JAX_COMPILATION_CACHE_DIR=str(tmp_path / "compiled"),
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
    )
    assert (found["backend"], found["kills"]) == ("jax", 2)
    assert found["variables"] > 90 and found["points"] > 9
    assert found["different"] == {"last": []}


@pytest.mark.full
def test_the_comparison_notices_a_part_that_is_not_restored(tmp_path):
    found = killed_runs(tmp_path, 2, FORGET="metrics")
    assert "lines" in found["different"]["last"]
