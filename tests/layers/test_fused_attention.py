"""The backend's attention kernel equals our attention."""

import keras
import numpy as np
import pytest
from keras import ops

import tf_transformer as tt
from tests.backend import gradients
from tf_transformer.layers import attention
from tf_transformer.layers.attention import (
    MultiHeadAttention,
    scaled_dot_product_attention,
)
from tf_transformer.layers.fused_attention import fused_attention, has_kernel
from tf_transformer.layers.intermediates import capture_intermediates

RANDOM = np.random.default_rng(11)
QUERY = RANDOM.normal(size=(2, 3, 5, 4)).astype("float32")
KEY = RANDOM.normal(size=(2, 3, 7, 4)).astype("float32")
VALUE = RANDOM.normal(size=(2, 3, 7, 4)).astype("float32")
MASK = RANDOM.random((2, 1, 5, 7)) < 0.6
MASK[0, 0, 2] = False  # a query that may attend to nothing
MASK[1, 0, :, 4:] = False  # padding
KEYS_MASK = np.array([[True] * 3 + [False] * 4, [False] * 7])[:, None, None]
MASKS = {"none": None, "queries": MASK, "keys": KEYS_MASK}


def plain(query, key, value, mask):
    return scaled_dot_product_attention(query, key, value, mask)[0]


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
def test_equals_the_formula(mask):
    tensors = [ops.convert_to_tensor(array) for array in (QUERY, KEY, VALUE)]
    found = ops.convert_to_numpy(fused_attention(*tensors, mask))
    expected = ops.convert_to_numpy(plain(*tensors, mask))
    np.testing.assert_allclose(found, expected, atol=2e-6)
    theirs, ours = (
        gradients(lambda *x, f=f: ops.sum(f(*x, mask) ** 3), QUERY, KEY, VALUE)
        for f in (plain, fused_attention)
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_query_without_allowed_keys_gets_zero(dtype):
    tensors = [ops.cast(ops.array(x), dtype) for x in (QUERY, KEY, VALUE)]
    found = ops.convert_to_numpy(ops.cast(fused_attention(*tensors, MASK), "float32"))
    assert np.all(found[0, :, 2] == 0.0)
    assert np.all(np.abs(found[0, :, :2]).max(axis=-1) > 0.0)
    whole = ops.cast(fused_attention(*tensors, KEYS_MASK), "float32")
    assert np.all(ops.convert_to_numpy(whole)[1] == 0.0)


@pytest.fixture
def calls(monkeypatch):
    """How often the kernel is used, as on a backend that has one."""
    found = []

    def spy(*arguments):
        found.append(arguments)
        return fused_attention(*arguments)

    monkeypatch.setattr(attention, "has_kernel", lambda: True)
    monkeypatch.setattr(attention, "fused_attention", spy)
    return found


def made(dropout_rate=0.0):
    keras.utils.set_random_seed(3)
    layer = MultiHeadAttention(d_model=12, num_heads=3, dropout_rate=dropout_rate)
    layer.build((2, 5, 12), (2, 7, 12))
    return layer


def inputs():
    random = np.random.default_rng(4)
    query, value = random.normal(size=(2, 5, 12)), random.normal(size=(2, 7, 12))
    return query.astype("float32"), value.astype("float32")


@pytest.mark.parametrize("mask", [MASK[:, 0], KEYS_MASK[:, 0]], ids=["queries", "keys"])
def test_training_computes_what_everything_else_does(calls, mask):
    layer = made()

    def output(query, value, training):
        return layer(query, value, attention_mask=mask, training=training)

    by_kernel, by_formula = (
        [
            ops.convert_to_numpy(output(*map(ops.array, inputs()), training)),
            *gradients(lambda *x, t=training: ops.sum(output(*x, t) ** 3), *inputs()),
        ]
        for training in (True, False)
    )
    assert len(calls) == 2
    for one, other in zip(by_kernel, by_formula, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * np.abs(other).max())


@pytest.mark.moderate
def test_the_kernel_trains_all_layers_of_a_model(calls):
    model = tt.Transformer(
        17, num_layers=2, d_model=12, num_heads=3, d_ff=20, dropout_rate=0.0
    )
    ids = {"source_ids": [[5, 6, 3], [7, 3, 0]], "target_ids": [[2, 8], [2, 9]]}
    ids = {name: np.array(rows) for name, rows in ids.items()}
    found = model(ids, training=True)
    assert len(calls) == 6  # two of the encoder, two and two of the decoder
    calls.clear()
    expected = model(ids, training=False)
    assert calls == []
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), ops.convert_to_numpy(expected), atol=1e-5
    )


def test_the_kernel_is_used_in_training_without_weights_only(calls):
    made()(*inputs())
    made()(*inputs(), training=False)
    made()(*inputs(), training=True, return_attention_scores=True)
    made(dropout_rate=0.4)(*inputs(), training=True)
    assert calls == []


def test_capturing_does_not_choose_another_kernel(calls):
    layer = made()
    with capture_intermediates() as captured:
        layer(*inputs(), training=True)
    assert len(calls) == 1
    assert captured[layer]["weights"] is None
    with capture_intermediates() as captured:
        layer(*inputs(), training=True, return_attention_scores=True)
    assert len(calls) == 1
    assert tuple(captured[layer]["weights"].shape) == (2, 3, 5, 7)


def test_the_kernel_is_pytorchs():
    assert has_kernel() == (keras.backend.backend() == "torch")
