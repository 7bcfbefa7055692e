"""Connects the processes of a training, found by options or environment variables."""

import os
from collections.abc import Mapping
from typing import NamedTuple

import keras

# address of process 0, number of processes, number of this process
VARIABLES = (
    # JAX's own
    ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"),
    # Kubernetes: a JAXJob of Kubeflow
    ("COORDINATOR_ADDRESS", "NUM_PROCESSES", "PROCESS_ID"),
)
KUBERNETES_INDEX = "JOB_COMPLETION_INDEX"  # of an Indexed Job
SLURM = ("SLURM_STEP_NODELIST", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID")
SLURM_PORTS = 2**12  # as in JAX: the last 4096 ports


class Processes(NamedTuple):
    """The processes of a training.

    Attributes:
        coordinator: Host and port of process 0, `HOST:PORT`.
        number: Integer. Number of processes.
        process_id: Integer. Number of this process, from 0.
    """

    coordinator: str
    number: int
    process_id: int


def find_processes(
    coordinator: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Processes | None:
    """The processes of this training, from the arguments or environment variables.

    Variables are read in this order: JAX (JAX_COORDINATOR_ADDRESS, ...), Kubeflow's
    JAXJob (COORDINATOR_ADDRESS, ...), a Kubernetes Indexed Job (JOB_COMPLETION_INDEX,
    for the process only), and SLURM, for a step that `srun` started.

    Args:
        coordinator: Optional `HOST:PORT` of process 0.
        num_processes: Optional number of processes.
        process_id: Optional number of this process.
        environment: Environment variables.

    Returns:
        The processes; `None` for one process.

    Raises:
        ValueError: If a part is missing or wrong.

    Example:

    >>> find_processes("node1:8476", 2, 1, environment={})
    Processes(coordinator='node1:8476', number=2, process_id=1)
    """
    settings: dict[str, str | None] = dict.fromkeys(
        ("coordinator", "num_processes", "process_id")
    )
    for source in (*_from_variables(environment), _from_slurm(environment)):
        settings = {name: settings[name] or source.get(name) for name in settings}
    passed = (coordinator, num_processes, process_id)
    for name, value in zip(settings, passed, strict=True):
        settings[name] = settings[name] if value is None else str(value)
    number = _integer("num_processes", settings["num_processes"])
    if number in (None, 1) and settings["coordinator"] is None:
        return None
    if number == 1:
        return None
    missing = [name for name, value in settings.items() if value is None]
    if missing:
        raise ValueError(
            "Several processes need coordinator, num_processes and process_id. "
            f"Expected options or variables for all. Received: no {', '.join(missing)}"
        )
    return _checked(
        Processes(
            settings["coordinator"],  # pyright: ignore[reportArgumentType]
            number,  # pyright: ignore[reportArgumentType]
            _integer("process_id", settings["process_id"]),  # pyright: ignore[reportArgumentType]
        )
    )


def _from_variables(environment):
    for names in VARIABLES:
        coordinator, number, process = map(environment.get, names)
        port = environment.get("COORDINATOR_PORT")
        if coordinator is not None and ":" not in coordinator and port is not None:
            coordinator = f"{coordinator}:{port}"
        yield {
            "coordinator": coordinator,
            "num_processes": number,
            "process_id": process,
        }
    yield {"process_id": environment.get(KUBERNETES_INDEX)}


def _from_slurm(environment) -> dict:
    nodes, number, process = map(environment.get, SLURM)
    if nodes is None or number is None or process is None:
        return {}
    # "node[003-007,12],other": the step's first node
    prefix, bracket, rest = nodes.partition("[")
    if "," in prefix or not bracket:
        host = nodes.split(",")[0]
    else:
        host = prefix + rest.replace("-", ",").replace("]", ",").split(",")[0]
    job = int(environment.get("SLURM_JOB_ID", 0))
    port = 2**16 - SLURM_PORTS + job % SLURM_PORTS
    return {
        "coordinator": f"{host}:{port}",
        "num_processes": number,
        "process_id": process,
    }


def _integer(name: str, value: str | None) -> int | None:
    try:
        return None if value is None else int(value)
    except ValueError as error:
        raise ValueError(
            f"{name} is a number. Expected an integer. Received: {value!r}"
        ) from error


def _checked(processes: Processes) -> Processes:
    host, _, port = processes.coordinator.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(
            "The coordinator is the address of process 0. Expected HOST:PORT. "
            f"Received: {processes.coordinator}"
        )
    if not 0 <= processes.process_id < processes.number:
        raise ValueError(
            "There is no such process. Expected process_id of at least 0 and below "
            f"num_processes={processes.number}. Received: {processes.process_id}"
        )
    return processes


def join_processes(processes: Processes) -> None:
    """Connects this process with the others; call it before any computation.

    Args:
        processes: See `find_processes`.

    Raises:
        ValueError: If the backend is not JAX, or the connection fails.
    """
    backend = keras.backend.backend()
    if backend != "jax":
        raise ValueError(
            "Keras' fit works in one process on this backend. Expected "
            "KERAS_BACKEND=jax with distribute=data or model for several. Received: "
            f"num_processes={processes.number} on {backend}"
        )
    # without a seed, Keras would communicate here to choose one
    keras.utils.set_random_seed(0)
    try:
        keras.distribution.initialize(*processes)
    except RuntimeError as error:
        reason, _, _ = str(error).partition("\n")
        raise ValueError(
            "The processes could not be connected. Expected process 0 at "
            f"{processes.coordinator}. Received: {reason}"
        ) from error
