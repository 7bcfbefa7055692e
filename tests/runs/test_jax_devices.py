"""A run on JAX gives the same result on any number of devices and processes."""

import importlib.util
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.fast import FAST
from tests.runs import jax_devices
from tf_transformer.runs.directory import RunDirectory

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("jax") is None, reason="JAX is not installed"
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the pairs and of the runs in one process."""
    folder = tmp_path_factory.mktemp("jax")
    texts = [
        " ".join(letters)
        for length in (1, 2, 3)
        for letters in itertools.product("abcdef", repeat=length)
    ]
    lines = [f"{text}\t{text[::-1].upper()}" for text in texts]
    (folder / "pairs.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def answer(folder):
    """What the program on 4 devices prints last."""
    command = [sys.executable, "-m", "tests.runs.jax_devices"]
    done = subprocess.run(
        [*command, folder / "pairs.tsv", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=850,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def log(path):
    return list(map(json.loads, RunDirectory(path).json_log.read_text().splitlines()))


def assert_same_log(found, expected):
    assert [line["updates"] for line in found] == [line["updates"] for line in expected]
    for one, other in zip(found, expected, strict=True):
        for name in ("loss", "nll", "accuracy", "val_nll"):
            assert one[name] == pytest.approx(other[name], rel=2e-5), name


def assert_same_checkpoint(found, expected):
    """Weights, optimizer, moving averages and random state, but biases of keys.

    Their gradient is 0 but for rounding (docs/distribution.md). So are a few gradients
    of other weights, and Adam makes steps of the rounding.
    """
    with np.load(found) as one, np.load(expected) as other:
        assert one.files == other.files
        for name in one.files:
            if name != "state" and not re.search("key[/_]bias", name):
                differences = np.abs(one[name] - other[name].astype("float64"))
                num_allowed = max(1, differences.size // 1000)
                assert (differences > 2e-5).sum() <= num_allowed, name
                assert differences.max() < 2e-4, name
        return json.loads(one["state"].tobytes()), json.loads(other["state"].tobytes())


def test_a_run_changes_from_1_to_2_to_4_devices_and_back(folder, answer):
    one, changing = RunDirectory(folder / "one"), RunDirectory(folder / "changing")
    expected = log(one.path)
    updates = [line["updates"] for line in expected]
    assert updates == list(range(2, jax_devices.UPDATES + 1, 2))
    assert expected[-1]["val_nll"] < expected[0]["val_nll"] / 1.05
    assert_same_log(log(changing.path), expected)
    states = assert_same_checkpoint(
        changing.latest_checkpoint(), one.latest_checkpoint()
    )
    assert states[0]["data"] == states[1]["data"]  # the same place in the data
    assert states[0]["data"][1] == jax_devices.UPDATES
    assert changing.config().distribute == jax_devices.STAGES[-1].get("distribute")


def test_what_the_devices_cannot_do_is_refused(answer):
    expected = [
        "at most 4. Received: devices=5",
        "divide its 4 devices. Received: model_devices=3",
        "Expected distribute=data. Received: distribute=model, architecture=recurrent",
        "distribute=mirrored works on TensorFlow only",
        "Expected devices=1. Received: devices=2 on jax",
    ]
    assert len(answer["errors"]) == len(expected)
    for error, end in zip(answer["errors"], expected, strict=True):
        assert end in error


def test_heads_d_ff_and_vocabulary_are_divided(answer):
    """In a Transformer of widths 12 and 18, vocabularies of 23 and 26 pieces, M = 2."""
    shards = answer["shards"]
    expected = {
        "embedding/matrix/embeddings": [[23, 12], [23, 12]],  # 2 does not divide 23
        "target_embedding/matrix/embeddings": [[26, 12], [13, 12]],
        "target_embedding/output_bias": [[26], [13]],
    }
    for block, names in (
        ("encoder", ["attention"]),
        ("decoder", ["attention", "cross_attention"]),
    ):
        for name in (f"{block}/block_0/{name}" for name in names):
            for part in ("query", "key", "value"):
                expected[f"{name}/{part}/kernel"] = [[12, 12], [12, 6]]
                expected[f"{name}/{part}/bias"] = [[12], [6]]
            expected[f"{name}/output/kernel"] = [[12, 12], [6, 12]]
        name = f"{block}/block_0/feed_forward"
        expected[f"{name}/inner/kernel"] = [[12, 18], [12, 9]]
        expected[f"{name}/inner/bias"] = [[18], [9]]
        expected[f"{name}/outer/kernel"] = [[18, 12], [9, 12]]
    assert {name: shards.get(name) for name in expected} == expected
    whole = {name for name in shards if name not in expected}
    assert whole and all(shards[name][0] == shards[name][1] for name in whole)


class Processes:
    """Processes of `tf-transformer train` with two devices each."""

    def __init__(self, folder, run, number=2, **options):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        settings = {**jax_devices.SETTINGS, "data": folder / "pairs.tsv", **options}
        self.command = [sys.executable, "-m", "tf_transformer", "train"]
        self.command += ["--run", str(folder / run), "--no-cooldown"]
        for name, value in settings.items():
            if name != "cooldown":
                self.command += ["--" + name.replace("_", "-"), str(value)]
        self.number = number
        self.started = []

    def start(self, process, *more):
        """Starts a process, which finds the others by variables of JAX."""
        environment = {
            **os.environ,
            "KERAS_BACKEND": "jax",
            "XLA_FLAGS": f"{jax_devices.DEVICES}=2 {jax_devices.QUICK}",
            "JAX_COORDINATOR_ADDRESS": self.address,
            "JAX_NUM_PROCESSES": str(self.number),
        }
        command = [*self.command, *more]
        if self.number > 1:
            command += ["--process-id", str(process)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.started.append(
            subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
        )

    def ends(self):
        """Exit code, output and errors of each process."""
        try:
            texts = [process.communicate(timeout=850) for process in self.started]
        finally:
            for process in self.started:
                process.kill()
        return [
            (process.returncode, *text)
            for process, text in zip(self.started, texts, strict=True)
        ]


def test_two_processes_train_as_one_device(folder, answer):
    """On a mesh of 2 x 2: the processes share the rows, their devices the weights."""
    options = {"distribute": "model", "max_updates": 4, "monitor": "nll"}
    options["validation_sentences"] = 0 if FAST else 2
    processes = Processes(folder, "two", **options)
    processes.start(0)
    processes.start(1)
    (first, output, errors), (second, nothing, other_errors) = processes.ends()
    assert (first, second) == (0, 0), errors[-3000:] + other_errors[-3000:]
    assert "Epoch 2, update 4/4" in output
    assert "Epoch" not in nothing
    found = log(folder / "two")
    assert_same_log(found, log(folder / "one")[:2])
    assert all("bleu" in line for line in found) == (not FAST)
    run = RunDirectory(folder / "two")
    names = [path.name for path in run.all_checkpoints()]
    assert names[0] == "epoch-0001.npz" and names[-1] == "epoch-0002.npz"
    assert run.best_weights.exists()


@pytest.mark.full
@pytest.mark.skipif(FAST, reason="only in .ci/run full")
def test_processes_end_together_and_resume_as_one(folder, answer):
    """SIGTERM to one of them ends both; one process continues with the same data."""
    endless = Processes(folder, "ended", distribute="data", max_updates=100_000)
    endless.command += ["--monitor", "nll"]
    endless.start(0)
    endless.start(1)
    while not list((folder / "ended" / "checkpoints").glob("*-update-*")):
        time.sleep(0.5)
        assert all(process.poll() is None for process in endless.started)
    endless.started[1].terminate()
    ends = endless.ends()
    assert [code for code, _, _ in ends] == [143, 143], ends
    assert all("Stopped by SIGTERM" in errors for _, _, errors in ends)
    latest = RunDirectory(folder / "ended").latest_checkpoint()
    updates = int(latest.stem.rpartition("-")[2])
    # one process and one device go on, where the cooldown is off
    alone = Processes(folder, "ended", number=1, max_updates=2 * updates)
    alone.command += ["--monitor", "nll"]
    alone.start(0)
    ((code, output, errors),) = alone.ends()
    assert code == 0, errors[-3000:]
    assert f"Resuming after update {updates:,}" in output
    assert_same_log(log(folder / "ended")[:5], log(folder / "one")[:updates])


@pytest.mark.full
@pytest.mark.skipif(FAST, reason="only in .ci/run full")
def test_processes_that_differ_do_not_train(folder):
    differing = Processes(folder, "differing", distribute="data", max_updates=4)
    differing.start(0, "--seed", "3")
    differing.start(1, "--seed", "4")
    for code, _, errors in differing.ends():
        assert code == 1
        assert "do not agree" in errors.splitlines()[-1]
    missing = Processes(folder, "missing", distribute="data", max_updates=4)
    missing.start(0)
    missing.start(1, "--data", "nowhere.tsv")
    (first, _, errors), (second, _, other_errors) = missing.ends()
    assert (first, second) == (1, 1)
    assert "Another process of the training could not start" in errors
    assert "nowhere.tsv" in other_errors
