"""Operations of a decoding step on TensorFlow equal the formulas, with gradients."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.backend import BACKEND, gradients
from tf_transformer.layers import few_queries
from tf_transformer.layers.attention import (
    MultiHeadAttention,
    scaled_dot_product_attention,
)
from tf_transformer.utils import keras_compat

RANDOM = np.random.default_rng(31)
MASK = np.array([[True] * 3 + [False] * 4, [False] * 7])[:, None, None]
ON_TENSORFLOW = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="the kernels are those of TensorFlow"
)


def tensors(num_queries, dtype="float32"):
    shapes = [(2, 3, num_queries, 5), (2, 3, 7, 5), (2, 3, 7, 4)]
    return [RANDOM.normal(size=shape).astype(dtype) for shape in shapes]


def by_numpy(query, key, value, mask):
    scores = np.einsum("bhtd,bhsd->bhts", query, key) / np.sqrt(query.shape[-1])
    powers = np.exp(scores) * (1.0 if mask is None else mask)
    weights = powers / np.maximum(powers.sum(-1, keepdims=True), 1e-30)
    return np.einsum("bhts,bhsd->bhtd", weights, value), weights


@pytest.fixture
def products(monkeypatch):
    """Shapes of the products that the fast kernel computes."""
    found = []

    def counted(a, b, transpose_b=False, real=few_queries.small_product):
        found.append(a.shape[-2])
        return real(a, b, transpose_b)

    monkeypatch.setattr(few_queries, "small_product", counted)
    return found


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
@pytest.mark.parametrize("num_queries", [1, 4, 6])
def test_attention_equals_numpy(num_queries, mask, products):
    arrays = tensors(num_queries)
    found = scaled_dot_product_attention(*map(ops.array, arrays), mask)
    for one, other in zip(found, by_numpy(*arrays, mask), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(one), other, atol=1e-6)
    is_fast = BACKEND == "tensorflow" and num_queries <= few_queries.MOST_QUERIES
    assert products == [num_queries] * 2 * is_fast


@ON_TENSORFLOW
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "masked"])
def test_gradients_are_those_of_the_plain_formula(mask, monkeypatch):
    def loss(*arrays):
        return ops.sum(scaled_dot_product_attention(*arrays, mask)[0] ** 3)

    arrays = tensors(2)
    fast = gradients(loss, *arrays)
    monkeypatch.setattr(few_queries, "MOST_QUERIES", 0)
    for one, other in zip(fast, gradients(loss, *arrays), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@ON_TENSORFLOW
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_types_are_kept(dtype):
    arrays = tensors(1)
    query, key, value = (ops.cast(ops.array(array), dtype) for array in arrays)
    output, _ = scaled_dot_product_attention(query, key, value, MASK)
    assert keras.backend.standardize_dtype(output.dtype) == dtype
    found = ops.convert_to_numpy(ops.cast(output, "float32"))
    np.testing.assert_allclose(found, by_numpy(*arrays, MASK)[0], atol=0.05)


def test_a_large_score_overflows_nothing():
    scores = np.array([[[700.0, 0.0, -700.0, 699.0]]], "float32")
    found = ops.convert_to_numpy(few_queries.few_queries_softmax(ops.array(scores)))
    expected = np.array([[[1.0, 0.0, 0.0, np.exp(-1.0)]]]) / (1 + np.exp(-1.0))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.moderate
@ON_TENSORFLOW
def test_xla_gets_operations_that_it_can_compile():
    import tensorflow as tf

    seen, half = [], tf.eye(4)[None] / 2

    def inside(x):
        seen.append(keras_compat.is_plain_tensorflow())

        def step(i, x):
            seen.append(keras_compat.is_plain_tensorflow())
            return i + 1, few_queries.product(x, half)

        return tf.while_loop(lambda i, x: i < 3, step, (1, x))[1]

    x = tf.ones((2, 1, 4))
    results = [tf.function(inside, jit_compile=jit)(x) for jit in (False, True)]
    assert set(seen[: len(seen) // 2]) == {True}
    assert set(seen[len(seen) // 2 :]) == {False}
    for result in results:
        np.testing.assert_allclose(result, np.full((2, 1, 4), 0.25))  # twice halved


def test_symbols_of_a_functional_model_have_few_queries_too():
    query, key = keras.Input((2, 12)), keras.Input((5, 12))
    output, _ = scaled_dot_product_attention(query, key, key)
    model = keras.Model([query, key], output)
    rows = [np.ones((3, 2, 12)), np.ones((3, 5, 12))]
    np.testing.assert_allclose(ops.convert_to_numpy(model(rows)), 1.0, rtol=1e-6)


def test_a_batch_without_rows_has_no_output():
    layer = MultiHeadAttention(d_model=12, num_heads=3)
    nothing = np.zeros((0, 4, 12), "float32")
    assert layer(nothing, nothing).shape == nothing.shape
