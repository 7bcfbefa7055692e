"""Explicit gradients can be differentiated again, on JAX in forward mode too."""

import numpy as np
import pytest
from keras import ops

from tests.backend import BACKEND
from tf_transformer.layers.normalization import LayerNormalization
from tf_transformer.layers.ssru import linear_recurrence
from tf_transformer.training.losses import smoothed_cross_entropy

RANDOM = np.random.default_rng(3)
LABELS = np.array([[2, 5, 0], [1, 2, 6]])
LOGITS = RANDOM.normal(size=(2, 3, 7)).astype("float32")
DIRECTION = RANDOM.normal(size=LOGITS.shape).astype("float32")
EPSILON = 0.2


def loss(logits):
    losses = smoothed_cross_entropy(LABELS, logits, EPSILON)
    return ops.sum(losses**2)


def plain_loss(logits):
    labels = (1 - EPSILON) * np.eye(7, dtype="float32")[LABELS] + EPSILON / 7
    labels = ops.convert_to_tensor(labels)
    losses = ops.logsumexp(logits, axis=-1) - ops.sum(logits * labels, axis=-1)
    return ops.sum(ops.where(LABELS != 0, losses, 0.0) ** 2)


def hessian_times_direction(function, x):
    """The gradient of (gradient of `function` at x) . DIRECTION."""
    if BACKEND == "jax":
        import jax

        def along(x):
            return (jax.grad(function)(x) * DIRECTION).sum()

        return np.asarray(jax.grad(along)(x))
    if BACKEND == "torch":
        import torch

        x = torch.tensor(x, requires_grad=True)
        (gradient,) = torch.autograd.grad(function(x), x, create_graph=True)
        along = (gradient * torch.tensor(DIRECTION)).sum()
        return torch.autograd.grad(along, x)[0].numpy()
    import tensorflow as tf

    x = tf.constant(x)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = function(x)
        along = tf.reduce_sum(inner.gradient(value, x) * DIRECTION)
    return outer.gradient(along, x).numpy()


def differences(function, x, step=1e-2):
    """The same by central differences of the plain function's gradient."""
    from tests.backend import gradients

    (up,) = gradients(function, x + step * DIRECTION)
    (down,) = gradients(function, x - step * DIRECTION)
    return (up - down) / (2 * step)


def test_the_loss_has_the_second_derivatives_of_the_plain_formula():
    expected = hessian_times_direction(plain_loss, LOGITS)
    by_hand = differences(plain_loss, LOGITS)
    np.testing.assert_allclose(expected, by_hand, rtol=2e-2, atol=1e-2)
    found = hessian_times_direction(loss, LOGITS)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(expected).max() > 0.5


def test_layer_norm_has_second_derivatives():
    layer = LayerNormalization(epsilon=1e-6)
    layer.build((None, None, 7))
    layer.gamma.assign(np.linspace(0.5, 2, 7, dtype="float32"))

    def function(x):
        return ops.sum(layer(x) ** 3)

    def plain(x):
        centered = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(centered**2, axis=-1, keepdims=True)
        gamma = ops.convert_to_tensor(np.linspace(0.5, 2, 7, dtype="float32"))
        return ops.sum((centered / ops.sqrt(variance + 1e-6) * gamma) ** 3)

    found = hessian_times_direction(function, LOGITS)
    expected = hessian_times_direction(plain, LOGITS)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert np.abs(expected).max() > 0.5


def recurrence(x):
    return ops.sum(linear_recurrence(ops.sigmoid(x), x) ** 2)


def plain_recurrence(x):
    state, total = 0.0, 0.0
    for t in range(x.shape[1]):
        state = ops.sigmoid(x[:, t]) * state + x[:, t]
        total = total + ops.sum(state**2)
    return total


def test_the_recurrence_of_the_ssru_has_second_derivatives():
    found = hessian_times_direction(recurrence, LOGITS)
    expected = hessian_times_direction(plain_recurrence, LOGITS)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert np.abs(expected).max() > 0.5


@pytest.mark.skipif(BACKEND != "jax", reason="forward mode is JAX's")
@pytest.mark.parametrize(
    ("function", "plain"), [(loss, plain_loss), (recurrence, plain_recurrence)]
)
def test_forward_mode_is_that_of_the_plain_formula(function, plain):
    import jax

    value, tangent = jax.jvp(function, (LOGITS,), (DIRECTION,))
    expected = jax.jvp(plain, (LOGITS,), (DIRECTION,))
    np.testing.assert_allclose(value, expected[0], rtol=1e-5)
    np.testing.assert_allclose(tangent, expected[1], rtol=1e-4)
