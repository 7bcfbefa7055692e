"""Attention by the backend's kernel is the same attention."""

import keras
import numpy as np
import pytest
from backend import gradients
from keras import ops

from tf_transformer.layers import attention
from tf_transformer.layers.attention import (
    MultiHeadAttention,
    scaled_dot_product_attention,
)
from tf_transformer.layers.fused_attention import _flash_attention, fused_attention
from tf_transformer.layers.record import recorded

RANDOM = np.random.default_rng(11)
QUERY = RANDOM.normal(size=(2, 3, 5, 4)).astype("float32")
KEY = RANDOM.normal(size=(2, 3, 7, 4)).astype("float32")
VALUE = RANDOM.normal(size=(2, 3, 7, 4)).astype("float32")
MASK = RANDOM.random((2, 1, 5, 7)) < 0.6
MASK[0, 0, 2] = False  # a query that may attend to nothing
MASK[1, 0, :, 4:] = False  # padding
MASKS = {"none": None, "queries": MASK, "keys": MASK[:, :, :1]}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
def test_equals_the_formula(mask):
    def plain(query, key, value):
        return scaled_dot_product_attention(query, key, value, mask)[0]

    def fused(query, key, value):
        return fused_attention(query, key, value, mask)

    tensors = (QUERY, KEY, VALUE)
    expected = ops.convert_to_numpy(plain(*map(ops.convert_to_tensor, tensors)))
    found = ops.convert_to_numpy(fused(*map(ops.convert_to_tensor, tensors)))
    np.testing.assert_allclose(found, expected, atol=2e-6)
    if mask is MASK:
        assert np.all(found[0, :, 2] == 0.0)
    theirs, ours = (
        gradients(lambda *tensors, f=f: ops.sum(f(*tensors) ** 3), *tensors)
        for f in (plain, fused)
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


def made(dropout_rate=0.0):
    keras.utils.set_random_seed(3)
    layer = MultiHeadAttention(d_model=12, num_heads=3, dropout_rate=dropout_rate)
    layer.build((2, 5, 12), (2, 7, 12))
    return layer


def inputs():
    random = np.random.default_rng(4)
    query, value = random.normal(size=(2, 5, 12)), random.normal(size=(2, 7, 12))
    return query.astype("float32"), value.astype("float32")


def test_training_computes_what_everything_else_does():
    """On JAX and PyTorch the left one is the kernel."""
    layer = made()
    mask = MASK[:, 0]

    def training(query, value):
        return layer(query, value, attention_mask=mask, training=True)

    def plain(query, value):
        return layer(query, value, attention_mask=mask, training=False)

    for one, other in zip(
        gradients(lambda *x: ops.sum(training(*x) ** 3), *inputs()),
        gradients(lambda *x: ops.sum(plain(*x) ** 3), *inputs()),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())
    tensors = [ops.convert_to_tensor(x) for x in inputs()]
    np.testing.assert_allclose(
        ops.convert_to_numpy(training(*tensors)),
        ops.convert_to_numpy(plain(*tensors)),
        atol=2e-6,
    )


@pytest.fixture
def calls(monkeypatch):
    """How often the kernel is used, on a backend that has one."""
    found = []

    def spy(*arguments):
        found.append(arguments)
        return fused_attention(*arguments)

    monkeypatch.setattr(attention, "has_kernel", lambda: True)
    monkeypatch.setattr(attention, "fused_attention", spy)
    return found


def test_the_kernel_trains(calls):
    made()(*inputs(), training=True)
    assert len(calls) == 1


def test_the_kernel_does_nothing_else(calls):
    made()(*inputs())
    made()(*inputs(), training=False)
    made()(*inputs(), training=True, return_attention_scores=True)
    made(dropout_rate=0.4)(*inputs(), training=True)
    layer = made()
    with recorded() as record:
        layer(*inputs(), training=True)
    assert tuple(record[layer]["weights"].shape) == (2, 3, 5, 7)
    assert calls == []


@pytest.mark.parametrize(
    ("devices", "lengths", "expected"),
    [
        (["gpu:0", "gpu:1"], (6, 8), None),
        (["gpu:0"], (6, 7), False),
        (["gpu:0"], (5, 8), False),
        (["tpu:0"], (6, 8), False),
        (["cpu:0"], (6, 8), False),
    ],
)
def test_flash_attention_is_asked_for_where_it_is_right(
    monkeypatch, devices, lengths, expected
):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: devices)
    assert _flash_attention(*lengths) is expected


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_flash_attention_may_be_switched_off(monkeypatch, backend):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0"])
    assert _flash_attention(6, 8) is None
    keras.config.disable_flash_attention()
    try:
        assert _flash_attention(6, 8) is False
    finally:
        keras.config.enable_flash_attention()
