"""Weights that are zero until they are trained, and hide the layers behind them."""

import contextlib

import numpy as np
from keras import ops

SIZE = 0.5
ALWAYS_ZERO_AT_FIRST = ("bias", "beta")


@contextlib.contextmanager
def without_zero_weights(model):
    """Gives small random values to zero weights inside the `with` statement.

    The output layer of a model may start at zero, like the gates of ReZero and one
    factor of LoRA. Then no token influences the outputs, or weights get no gradient,
    until the first update. Biases are not changed: they hide nothing.

    Args:
        model: A built Keras model.
    """
    random, kept = np.random.default_rng(0), []
    for variable in model.trainable_variables:
        value = ops.convert_to_numpy(variable)
        if np.any(value) or variable.name.endswith(ALWAYS_ZERO_AT_FIRST):
            continue
        kept.append((variable, value))
        fan_in = value.shape[0] if value.ndim else 1
        noise = SIZE / fan_in**0.5 * random.normal(size=value.shape)
        variable.assign(np.asarray(noise, "float32"))
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)
