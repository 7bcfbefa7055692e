"""What Keras has no function for on each backend: gradients, and eager execution."""

import contextlib

import keras
import numpy as np
from keras import ops

from tf_transformer.diagnosis.trace import Run


@contextlib.contextmanager
def eager_functions():
    """Runs `tf.function`s eagerly, so that tensors of layers inside have values."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    kept = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(kept)


def gradients_of_weights(model, inputs, loss_of) -> list[np.ndarray | None]:
    """Gradients of a loss of the model's outputs in training.

    Args:
        model: A built Keras model.
        inputs: Inputs of the model.
        loss_of: Function from the model's outputs to a scalar.

    Returns:
        For each trainable variable its gradient, or `None` without one.
    """
    variables = model.trainable_variables

    def loss():
        return loss_of(model(inputs, training=True))

    def loss_at(values):
        states = [variable.value for variable in model.non_trainable_variables]
        outputs, _ = model.stateless_call(values, states, inputs, training=True)
        return loss_of(outputs)

    values = [variable.value for variable in variables]
    if keras.backend.backend() == "jax":
        import jax

        gradients = jax.grad(loss_at)(values)
    elif keras.backend.backend() == "torch":
        gradients = _torch_gradients(loss(), values)
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            target = loss()
        gradients = map(_dense, tape.gradient(target, values))
    return [None if x is None else ops.convert_to_numpy(x) for x in gradients]


def gradients_of_outputs(run, loss_of) -> dict[tuple[int, int], np.ndarray]:
    """Gradients of a loss by the outputs of the layers.

    Args:
        run: Function from `replace` of `run_model` to a `Run`.
        loss_of: Function from the model's output to a scalar.

    Returns:
        Gradients by the keys of `Run.calls`, of the outputs that get a gradient.
    """
    gradients = {"jax": _jax_outputs, "torch": _torch_outputs}.get(
        keras.backend.backend(), _tensorflow_outputs
    )(run, loss_of)
    return {
        key: ops.convert_to_numpy(gradient)
        for key, gradient in gradients.items()
        if gradient is not None
    }


def _jax_outputs(run, loss_of):
    """Adds a zero to each output; the zero has the gradient of the output."""
    import jax

    zeros = {
        key: ops.zeros_like(tensor) for key, tensor in _float_outputs(run(None)).items()
    }

    def loss_at(added):
        counts: dict[int, int] = {}

        def add(layer, output):
            key = id(layer), counts.get(id(layer), 0)
            counts[id(layer)] = key[1] + 1
            return output + added[key] if key in added else None

        return loss_of(run(add).tensor)

    return jax.grad(loss_at)(zeros)


def _torch_outputs(run, loss_of):
    def require(_, output):
        if output.is_floating_point() and not output.requires_grad:
            return output.detach().requires_grad_()
        return None

    result = run(require)
    outputs = _float_outputs(result)
    tensors = [x for x in outputs.values() if x.requires_grad]
    keys = [key for key, x in outputs.items() if x.requires_grad]
    gradients = _torch_gradients(loss_of(result.tensor), tensors)
    return dict(zip(keys, gradients, strict=True))


def _torch_gradients(loss, tensors):
    import torch

    if not loss.requires_grad:
        return [None] * len(tensors)
    return torch.autograd.grad(loss, tensors, allow_unused=True)


def _tensorflow_outputs(run, loss_of):
    import tensorflow as tf

    with tf.GradientTape() as tape:

        def watch(_, output):
            if output.dtype.is_floating:
                tape.watch(output)

        result = run(watch)
        target = loss_of(result.tensor)
    outputs = _float_outputs(result)
    gradients = map(_dense, tape.gradient(target, list(outputs.values())))
    return dict(zip(outputs, gradients, strict=True))


def _dense(gradient):
    """A gradient of an embedding as a tensor."""
    import tensorflow as tf

    return None if gradient is None else tf.convert_to_tensor(gradient)


def _float_outputs(run: Run) -> dict:
    return {
        key: call.tensor
        for key, call in run.calls.items()
        if np.issubdtype(call.output.dtype, np.floating)
    }
