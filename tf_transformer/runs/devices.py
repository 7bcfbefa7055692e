"""The devices of this host on which a run trains."""

import contextlib
from collections.abc import Callable

import keras


def device_scope(devices: int | None = None) -> Callable:
    """The scope in which a run creates its model, optimizer and datasets.

    Args:
        devices: Number of devices. By default all GPUs that TensorFlow sees, or
            one device where there is none.

    Returns:
        A function without arguments that gives a context manager: the scope of a
        `tf.distribute.MirroredStrategy` over several devices, nothing for one.

    Raises:
        ValueError: If there are fewer devices, or the backend is not TensorFlow.

    Example:

    >>> with device_scope(devices=1)():
    ...     layer = keras.layers.Dense(3)
    """
    if devices == 1:
        return contextlib.nullcontext
    if keras.backend.backend() != "tensorflow":
        if devices is None:
            return contextlib.nullcontext
        raise ValueError(
            "Several devices need the TensorFlow backend. Expected "
            f"devices=1. Received: devices={devices} on {keras.backend.backend()}"
        )
    import tensorflow as tf

    found = tf.config.list_logical_devices("GPU")
    if devices is None:
        devices = max(1, len(found))
    # without GPUs: logical CPUs, for tests
    found = found or tf.config.list_logical_devices("CPU")
    if devices > len(found):
        raise ValueError(
            "There are too few devices. Expected devices of at most "
            f"{len(found)}. Received: devices={devices}"
        )
    if devices == 1:
        return contextlib.nullcontext
    names = [device.name for device in found[:devices]]
    return tf.distribute.MirroredStrategy(names).scope
