"""Several processes of one training, on the JAX backend.

Each process runs the same program on its own devices. The first one, number 0, writes
the files. With one process, and on other backends, these functions have no effect.
"""

import contextlib
import hashlib
from collections.abc import Iterator

import keras
import numpy as np


class AnotherProcessFailed(ValueError):
    """Another process of the same training has failed."""


def process_place() -> tuple[int, int]:
    """The number of this process, from 0, and the number of processes."""
    if keras.backend.backend() != "jax":
        return 0, 1
    import jax

    return jax.process_index(), jax.process_count()


def devices_by_process() -> list[str]:
    """Names of all devices for `keras.distribution`, grouped by process.

    JAX's own order may differ.
    """
    import jax

    devices = sorted(
        jax.devices(), key=lambda device: (device.process_index, device.id)
    )
    return [f"{device.platform}:{device.id}" for device in devices]


def is_first_process() -> bool:
    """Whether this process writes the files."""
    return process_place()[0] == 0


def any_process(flag: bool) -> bool:
    """Whether the flag of any process is set. All processes must call it."""
    if process_place()[1] == 1:
        return flag
    return bool(_gathered(np.array([flag], "uint8")).any())


def from_first_process(values: list[float]) -> list[float]:
    """The values of the first process, exactly. All processes must call it.

    Args:
        values: Floats; the same number in each process.
    """
    if process_place()[1] == 1:
        return values
    # as bytes: JAX would round them to float32
    numbers = np.array(values, "float64").view("uint8")
    return _gathered(numbers)[0].view("float64").tolist()


def check_agreement(text: str) -> None:
    """Checks that a text is the same in all processes. All processes must call it.

    Args:
        text: Describes what must agree, such as settings and data.

    Raises:
        ValueError: If it differs.
    """
    if process_place()[1] == 1:
        return
    digest = np.frombuffer(hashlib.sha256(text.encode()).digest(), "uint8")
    if (_gathered(digest) != digest).any():
        raise ValueError(
            "The processes of the training do not agree. Expected the same command, "
            "the same data and one folder that all can read. Received: another "
            f"training in another process than {process_place()[0]}"
        )


@contextlib.contextmanager
def failing_together() -> Iterator[None]:
    """Makes the block fail in all processes if it fails in one of them.

    The block must not wait for other processes.

    Raises:
        AnotherProcessFailed: In the processes whose own block succeeded.
    """
    try:
        yield
    except Exception:
        any_process(True)
        raise
    if any_process(False):
        raise AnotherProcessFailed(
            "Another process of the training could not start. Expected all processes "
            f"to start; see its message. Received: process {process_place()[0]} has "
            "started"
        )


def local_array(variable) -> np.ndarray:
    """A variable as a NumPy array, assembled from the devices of this process.

    Args:
        variable: A Keras variable or a tensor of the backend; this process must have
            all parts of it.
    """
    value = getattr(variable, "value", variable)
    if _is_readable(value):
        return keras.ops.convert_to_numpy(variable)
    array = np.empty(value.shape, value.dtype)
    for shard in value.addressable_shards:
        array[shard.index] = np.asarray(shard.data)
    return array


@contextlib.contextmanager
def readable_variables(variables) -> Iterator[None]:
    """Lets Keras read variables that are divided between processes too.

    Args:
        variables: Keras variables; only the first process may call this, and it must
            have all parts of them.
    """
    divided = [v for v in variables if not _is_readable(v.value)]
    if not divided:
        yield
        return
    with keras.device("cpu:0"):  # the whole variables are in the host's memory
        scope = keras.StatelessScope([(v, local_array(v)) for v in divided])
    with scope:
        yield


def _is_readable(value) -> bool:
    """Whether NumPy can read a tensor: on JAX not if other processes have parts."""
    if keras.backend.backend() != "jax":
        return True
    return value.is_fully_addressable or value.is_fully_replicated


def _gathered(array: np.ndarray) -> np.ndarray:
    """The arrays of all processes, in the order of the processes."""
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(array))
