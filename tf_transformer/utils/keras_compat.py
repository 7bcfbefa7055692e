"""Private names of Keras and TensorFlow that the package uses, each in one function.

Tested with Keras 3.15.1 and TensorFlow 2.21.0. If a minor release changes them, only
this file must be changed.
"""

import io

import keras
from keras import ops


def sum_over_replicas(value):
    """The sum of a scalar over the replicas of a `tf.distribute` strategy.

    Keras has no operation for this sum. On one device, on other backends and outside a
    replica (where Keras builds a model), the result is the value itself.

    Args:
        value: Scalar tensor, one on each replica.

    Returns:
        Scalar tensor, the same on all replicas.
    """
    if keras.backend.backend() != "tensorflow":
        return value
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def loss_weights_of(model):
    """The `loss_weights` with which a model was compiled, or `None`.

    `get_compile_config` cannot be called in a graph.
    """
    return model._compile_loss._user_loss_weights


def is_plain_tensorflow() -> bool:
    """Whether TensorFlow runs each operation as a separate kernel.

    `False` on other backends and in functions that XLA compiles, for which TensorFlow
    has no public test.
    """
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf
    from tensorflow.python.ops import control_flow_util

    graph = tf.compat.v1.get_default_graph()
    return not control_flow_util.GraphOrParentsInXlaContext(graph)


def is_compiled_by_tensorflow() -> bool:
    """Whether a function is being traced that TensorFlow compiles with XLA."""
    return keras.backend.backend() == "tensorflow" and not is_plain_tensorflow()


def is_plain_graph() -> bool:
    """Whether a graph is being traced in which TensorFlow runs each operation alone.

    `False` in eager execution; otherwise like `is_plain_tensorflow`.
    """
    if not is_plain_tensorflow():
        return False
    import tensorflow as tf

    return not tf.executing_eagerly()


def inner_optimizer(optimizer):
    """The optimizer inside Keras' `LossScaleOptimizer`, or the optimizer itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def learning_rate_schedule(optimizer):
    """The learning rate that was passed to an optimizer: a schedule or a variable.

    `optimizer.learning_rate` is only its current value.
    """
    return getattr(optimizer, "_learning_rate", None)


def adam_moments(optimizer, variable):
    """The variables m and v of a trained variable in a built Keras Adam."""
    index = optimizer._get_variable_index(variable)
    return optimizer._momentums[index], optimizer._velocities[index]


def optimized_weights(optimizer) -> list:
    """The weights that a built optimizer changes."""
    return optimizer._trainable_variables


def moving_averages(optimizer) -> list[tuple]:
    """Pairs (weight, moving average) of a built optimizer with `use_ema=True`.

    Raises:
        ValueError: If the optimizer has no moving averages.
    """
    if not optimizer.use_ema:
        raise ValueError(
            "Expected an optimizer with use_ema=True. Received: "
            f"{type(optimizer).__name__}(use_ema=False)"
        )
    return list(
        zip(
            optimized_weights(optimizer),
            optimizer._model_variables_moving_average,
            strict=True,
        )
    )


class AverageOfUpdates:
    """Moving averages of an optimizer that take one step for each update.

    For a class that also inherits from a Keras optimizer. With
    `gradient_accumulation_steps`, Keras takes a step for each batch.
    """

    def _update_model_variables_moving_average(self, trainable_variables):
        num_batches = self.gradient_accumulation_steps or 1  # pyright: ignore
        if num_batches == 1:
            super()._update_model_variables_moving_average(trainable_variables)  # pyright: ignore
            return
        batch = self._iterations + 1  # pyright: ignore
        is_update = ops.equal(batch % num_batches, 0)
        momentum = ops.where(is_update, self.ema_momentum, 1.0)  # pyright: ignore
        # the first update replaces the start value, as in Keras
        momentum = ops.where(batch <= num_batches, 0.0, momentum)
        for variable, average in moving_averages(self):
            m = ops.cast(momentum, variable.dtype)
            average.assign(m * average + (1 - m) * variable)


def all_layers(model) -> list:
    """A model or layer and everything inside it, in Keras' order.

    Args:
        model: A `keras.Model` or layer.
    """
    return list(model._flatten_layers())


def dtype_policies(model) -> list[str]:
    """Names of the dtype policies of a model and all layers inside it.

    Keras has no public list of nested layers.

    Args:
        model: A `keras.Model` or layer.

    Returns:
        List of names, such as `"mixed_bfloat16"` or `"int8_from_float32"`.
    """
    return [layer.dtype_policy.name for layer in all_layers(model)]


def replace_dtype_policy(layer, policy) -> None:
    """Gives a built layer another policy; Keras' setter would change a shared map.

    Args:
        layer: A layer whose variables have the dtypes of the policy.
        policy: A dtype policy.
    """
    layer._dtype_policy = policy


def sub_layers(layer) -> list:
    """The direct sub-layers of a layer."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def implicit_mask(tensor):
    """Returns the implicit mask that Keras attached to a tensor, or `None`."""
    return getattr(tensor, "_keras_mask", None)


def set_implicit_mask(tensor, mask) -> None:
    """Attaches an implicit mask to a tensor, as Keras' layers do."""
    tensor._keras_mask = mask


def allow_new_layers(layer) -> None:
    """Lets a subclass add layers and weights after its base class has been built."""
    layer._tracker.unlock()


class _WeightsFile(io.BytesIO):
    """A file in memory; Keras takes the format of weights from the end of a name."""

    def __str__(self):
        return "memory.weights.h5"


def weights_in_memory(model, objects_to_skip=()) -> memoryview:
    """The contents of a `.weights.h5` file.

    HDF5 ends the process with a segmentation fault if the disk becomes full while it
    writes, so it writes to memory here. That Keras accepts a file object is not
    documented.

    Args:
        model: A built Keras model.
        objects_to_skip: Parts to omit, such as the optimizer.
    """
    file = _WeightsFile()
    keras.saving.save_weights(model, file, objects_to_skip=list(objects_to_skip))  # pyright: ignore[reportArgumentType]
    return file.getbuffer()
