"""The devices of this host on which a run trains."""

import contextlib
from collections.abc import Callable

import keras


def device_scope(devices: int | None = None) -> Callable:
    """Where a run makes its model, its optimizer and its datasets.

    Args:
        devices: How many devices train. By default all GPUs that TensorFlow sees, or
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
            "A run uses several devices on the TensorFlow backend only. Expected "
            f"devices=1. Received: devices={devices} on {keras.backend.backend()}"
        )
    import tensorflow as tf

    found = tf.config.list_logical_devices("GPU")
    if devices is None:
        devices = max(1, len(found))
    # without GPUs: for trying it out on one machine's logical CPUs
    found = found or tf.config.list_logical_devices("CPU")
    if devices > len(found):
        raise ValueError(
            "There are not so many devices. Expected devices of at most "
            f"{len(found)}. Received: devices={devices}"
        )
    if devices == 1:
        return contextlib.nullcontext
    names = [device.name for device in found[:devices]]
    return tf.distribute.MirroredStrategy(names).scope
