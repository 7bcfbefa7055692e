"""The devices on which a run trains."""

import contextlib
from collections.abc import Callable

import keras

from tf_transformer.models.model_parallel import TransformerParallel
from tf_transformer.utils.processes import devices_by_process, process_place


def device_scope(devices: int | None = None, distribute: str | None = None) -> Callable:
    """The scope in which a run creates its model, optimizer and datasets.

    Args:
        devices: Number of devices. By default, all GPUs that TensorFlow finds, or
            one device if there is none.
        distribute: `"mirrored"`, or `None`, which is the same if there are several
            GPUs.

    Returns:
        A function without arguments that returns a context manager: the scope of a
        `tf.distribute.MirroredStrategy` for several devices, an empty one for one.

    Raises:
        ValueError: If there are fewer devices, or the backend is not TensorFlow.

    Example:

    >>> with device_scope(devices=1)():
    ...     layer = keras.layers.Dense(3)
    """
    if distribute in ("data", "model"):
        return contextlib.nullcontext  # see `distribution`
    backend = keras.backend.backend()
    if distribute is not None and backend != "tensorflow":
        raise ValueError(
            f"distribute={distribute} works on TensorFlow only. Expected KERAS_BACKEND="
            f"tensorflow, or distribute=data or model on JAX. Received: {backend}"
        )
    if devices == 1:
        return contextlib.nullcontext
    if backend != "tensorflow":
        if devices is None:
            return contextlib.nullcontext
        raise ValueError(
            "Several devices need the TensorFlow backend, or distribute=data or model "
            f"on JAX. Expected devices=1. Received: devices={devices} on {backend}"
        )
    import tensorflow as tf

    available = tf.config.list_logical_devices("GPU")
    if devices is None:
        devices = max(1, len(available))
    # without GPUs: logical CPUs, for tests
    available = available or tf.config.list_logical_devices("CPU")
    if devices > len(available):
        raise ValueError(_too_few(available, devices))
    if devices == 1:
        return contextlib.nullcontext
    names = [device.name for device in available[:devices]]
    return tf.distribute.MirroredStrategy(names).scope


def distribution(config) -> contextlib.AbstractContextManager:
    """The `keras.distribution` under which a run trains on the JAX backend.

    Args:
        config: Settings of a run: `distribute`, `devices`, `model_devices` and
            `architecture` are used.

    Returns:
        Its scope, or an empty one unless `distribute` is `"data"` or `"model"`.

    Raises:
        ValueError: If the backend is not JAX, or there are too few devices, or their
            number cannot be divided.
    """
    if config.distribute not in ("data", "model"):
        return contextlib.nullcontext()
    if keras.backend.backend() != "jax":
        raise ValueError(
            f"distribute={config.distribute} works on the JAX backend only. "
            "Expected KERAS_BACKEND=jax, or distribute=mirrored. "
            f"Received: {keras.backend.backend()}"
        )
    available = devices_by_process()
    devices = config.devices or len(available)
    _, num_processes = process_place()
    if devices > len(available):
        raise ValueError(_too_few(available, devices))
    if num_processes > 1 and devices != len(available):
        raise ValueError(
            "Several processes use all their devices. Expected devices="
            f"{len(available)}, or none. Received: devices={devices}"
        )
    available = available[:devices]
    if config.distribute == "data":
        distribution = keras.distribution.DataParallel(
            devices=available, auto_shard_dataset=False
        )
        return distribution.scope()
    return _model_parallel(config, available, devices // num_processes).scope()


def _model_parallel(config, available, num_local) -> TransformerParallel:
    if config.architecture == "recurrent":
        raise ValueError(
            "Only the Transformer's weights can be divided. Expected distribute=data. "
            "Received: distribute=model, architecture=recurrent"
        )
    model_devices = config.model_devices or num_local
    if num_local % model_devices:
        raise ValueError(
            "A copy of the weights stays within one process. Expected model_devices "
            f"to divide its {num_local} devices. Received: "
            f"model_devices={model_devices}"
        )
    return TransformerParallel(available, model_devices)


def _too_few(available, devices) -> str:
    return (
        "There are too few devices. Expected devices of at most "
        f"{len(available)}. Received: devices={devices}"
    )
