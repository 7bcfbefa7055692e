"""Processes of a training are found in options and environment variables."""

import keras
import pytest

from tf_transformer.cli import main
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.devices import device_scope, distribution
from tf_transformer.runs.local_copy import no_distribution
from tf_transformer.runs.processes import Processes, find_processes, join_processes

JAX = {
    "JAX_COORDINATOR_ADDRESS": "node5:811",
    "JAX_NUM_PROCESSES": "7",
    "JAX_PROCESS_ID": "3",
}
SLURM = {
    "SLURM_JOB_ID": "4099",  # 3 more than 2^12
    "SLURM_STEP_NODELIST": "node[003-007,12],other",
    "SLURM_STEP_NUM_TASKS": "5",
    "SLURM_PROCID": "2",
}
FOUND = {
    "JAX": (JAX, Processes("node5:811", 7, 3)),
    "Kubeflow": (
        {
            "COORDINATOR_ADDRESS": "job-0.job",
            "COORDINATOR_PORT": "6666",
            "NUM_PROCESSES": "4",
            "PROCESS_ID": "1",
        },
        Processes("job-0.job:6666", 4, 1),
    ),
    "an Indexed Job": (
        {
            "JAX_COORDINATOR_ADDRESS": "train-0.train:8476",
            "JAX_NUM_PROCESSES": "6",
            "JOB_COMPLETION_INDEX": "5",
        },
        Processes("train-0.train:8476", 6, 5),
    ),
    "SLURM": (SLURM, Processes("node003:61443", 5, 2)),
    "SLURM, names": (
        {**SLURM, "SLURM_STEP_NODELIST": "alpha,node[1-2]"},
        Processes("alpha:61443", 5, 2),
    ),
    "SLURM, a node alone": (
        {**SLURM, "SLURM_STEP_NODELIST": "alpha"},
        Processes("alpha:61443", 5, 2),
    ),
    "SLURM, one number": (
        {**SLURM, "SLURM_STEP_NODELIST": "n[12]"},
        Processes("n12:61443", 5, 2),
    ),
    "JAX before SLURM": ({**SLURM, **JAX}, Processes("node5:811", 7, 3)),
    "nothing": ({}, None),
    "one task": ({**SLURM, "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}, None),
    # a batch script that has not called srun is one process
    "no step": ({"SLURM_NTASKS": "5", "SLURM_PROCID": "0"}, None),
}


@pytest.mark.parametrize("name", FOUND)
def test_variables_of_schedulers(name):
    environment, expected = FOUND[name]
    assert find_processes(environment=environment) == expected


def test_options_come_first():
    found = find_processes("other:12", process_id=0, environment=JAX)
    assert found == Processes("other:12", 7, 0)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"JAX_NUM_PROCESSES": "3"}, "Received: no coordinator, process_id"),
        ({"JAX_COORDINATOR_ADDRESS": "a:1"}, "no num_processes, process_id"),
        ({**JAX, "JAX_PROCESS_ID": "7"}, "below num_processes=7. Received: 7"),
        ({**JAX, "JAX_PROCESS_ID": "-1"}, "below num_processes=7. Received: -1"),
        ({**JAX, "JAX_PROCESS_ID": "x"}, "process_id is a number.*Received: 'x'"),
        ({**JAX, "JAX_COORDINATOR_ADDRESS": "a"}, "Expected HOST:PORT. Received: a"),
        ({**JAX, "JAX_COORDINATOR_ADDRESS": "a:b"}, "HOST:PORT. Received: a:b"),
    ],
)
def test_impossible_processes_are_refused(environment, message):
    with pytest.raises(ValueError, match=message):
        find_processes(environment=environment)


@pytest.mark.needs_tensorflow
def test_tensorflow_trains_in_one_process():
    with pytest.raises(ValueError, match="KERAS_BACKEND=jax .*=3 on tensorflow"):
        join_processes(Processes("127.0.0.1:5", 3, 1))
    for name in ("data", "model"):
        config = TrainingConfig(distribute=name)
        with pytest.raises(
            ValueError, match=f"distribute={name} works on the JAX backend only"
        ):
            distribution(config)


def test_mirrored_takes_the_number_of_devices(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    with pytest.raises(ValueError, match="works on TensorFlow only.*Received: torch"):
        device_scope(2, "mirrored")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"distribute": "all"}, "one of mirrored, data, model. Received: 'all'"),
        ({"distribute": "model", "model_devices": 0}, "at least 1. Received: 0"),
        ({"model_devices": 2}, "Received: model_devices=2, distribute=None"),
        (
            {"distribute": "data", "model_devices": 3},
            "Received: model_devices=3, distribute='data'",
        ),
        ({"distribute": "data", "attention_images": 4}, "attention_images=4, "),
    ],
)
def test_settings_that_do_not_go_together(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**settings).resolved()


def test_a_distribution_is_suspended_in_the_with_statement(monkeypatch):
    now = ["that of the training"]
    monkeypatch.setattr(keras.distribution, "distribution", lambda: now[-1])
    monkeypatch.setattr(keras.distribution, "set_distribution", now.append)
    with pytest.raises(KeyError), no_distribution():
        assert now[-1] is None
        raise KeyError
    assert now[-1] == "that of the training"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--num-processes", "2"], "Expected --distribute data or model"),
        (["--distribute", "mirrored", "--process-id", "0"], "Received: mirrored"),
        (["--distribute", "data", "--num-processes", "2"], "no coordinator, process"),
    ],
)
def test_the_command_line_says_what_is_missing(options, message, tmp_path, capsys):
    assert main(["train", "--run", str(tmp_path / "run"), *options]) == 1
    errors = capsys.readouterr().err
    assert message in errors and errors.count("\n") == 1
    assert not (tmp_path / "run").exists()
