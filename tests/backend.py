"""Gradients and compiled functions on whichever backend Keras runs."""

import keras
import numpy as np
from keras import ops

BACKEND = keras.backend.backend()


def gradients(function, *arrays):
    """Gradients of `function(*arrays)`, a scalar, by each array: NumPy arrays."""
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    found = _GRADIENTS[BACKEND](function, tensors)
    return [ops.convert_to_numpy(gradient) for gradient in found]


def variable_gradients(function, variables):
    """Gradients of `function()`, a scalar, by each Keras variable: NumPy arrays."""

    def with_values(*values):
        mapping = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return function()

    return gradients(with_values, *(variable.value for variable in variables))


def in_graph(function):
    """`function(*arrays)` compiled; on PyTorch, which needs no graph, as it is.

    On TensorFlow batch and length are unknown: only the width of floats is fixed.
    """
    if BACKEND == "torch":
        return function
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    def open_spec(array):
        array = np.asarray(array)
        width = [array.shape[-1] if array.dtype.kind == "f" else None][: array.ndim]
        return tf.TensorSpec([None] * (array.ndim - 1) + width, array.dtype)

    compiled = tf.function(function)

    def call(*arrays):
        signature = keras.tree.map_structure(open_spec, arrays)
        tensors = keras.tree.map_structure(tf.constant, arrays)
        return compiled.get_concrete_function(*signature)(*tensors)

    return call


def dtype_of(tensor):
    """The name of a tensor's dtype."""
    return keras.backend.standardize_dtype(tensor.dtype)


def let_numpy_read_tensors():
    """Makes NumPy take PyTorch's tensors as it takes TensorFlow's and JAX's.

    By default it refuses tensors that have gradients or are bfloat16, and gives its
    results back as tensors.
    """
    if BACKEND != "torch":
        return
    import torch

    def read(tensor, dtype=None, copy=None):
        tensor = tensor.detach().cpu()
        if tensor.dtype == torch.bfloat16:
            tensor = tensor.float()
        return np.array(tensor.numpy(), dtype)

    torch.Tensor.__array__ = read
    torch.Tensor.__array_priority__ = -1.0
    torch.Tensor.__array_wrap__ = lambda tensor, array, *_: array


def _tensorflow_gradients(function, tensors):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = function(*tensors)
    found = tape.gradient(value, tensors, unconnected_gradients="zero")
    return [tf.convert_to_tensor(gradient) for gradient in found]


def _jax_gradients(function, tensors):
    import jax

    return jax.grad(function, argnums=tuple(range(len(tensors))))(*tensors)


def _torch_gradients(function, tensors):
    import torch

    tensors = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    value = function(*tensors)
    return torch.autograd.grad(
        value, tensors, allow_unused=True, materialize_grads=True
    )


_GRADIENTS = {
    "tensorflow": _tensorflow_gradients,
    "jax": _jax_gradients,
    "torch": _torch_gradients,
}
