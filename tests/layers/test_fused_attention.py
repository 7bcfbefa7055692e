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
from tf_transformer.layers.fused_attention import fused_attention, has_kernel
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
    """On PyTorch the left one is the kernel."""
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

    monkeypatch.setattr(attention, "has_kernel", lambda *tensors: True)
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
    ("backend", "device", "dtype", "lengths", "expected"),
    [
        ("jax", "gpu:0", "bfloat16", (6, 8), True),
        ("jax", "gpu:0", "float16", (6, 8), True),
        ("jax", "gpu:0", "float32", (6, 8), False),
        ("jax", "gpu:0", "bfloat16", (6, 7), False),
        ("jax", "gpu:0", "bfloat16", (5, 8), False),
        ("jax", "tpu:0", "bfloat16", (6, 8), False),
        ("jax", "cpu:0", "bfloat16", (6, 8), False),
        ("torch", "cpu:0", "float32", (5, 7), True),
        ("tensorflow", "gpu:0", "bfloat16", (6, 8), False),
    ],
)
def test_where_there_is_a_kernel(
    monkeypatch, backend, device, dtype, lengths, expected
):
    query, key = (keras.KerasTensor((2, 3, length, 4), dtype) for length in lengths)
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: [device])
    assert has_kernel(query, key) is expected


def test_flash_attention_may_be_switched_off(monkeypatch):
    asked = []

    def spy(query, *arguments, flash_attention, **options):
        asked.append(flash_attention)
        return query

    monkeypatch.setattr(ops, "dot_product_attention", spy)
    fused_attention(QUERY, KEY, VALUE)
    keras.config.disable_flash_attention()
    try:
        fused_attention(QUERY, KEY, VALUE)
    finally:
        keras.config.enable_flash_attention()
    assert asked == [None, False]  # None: Keras decides
