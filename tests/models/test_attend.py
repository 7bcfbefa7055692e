"""`attend` returns the weights of every head; the reference is the NumPy model."""

import keras
import numpy as np
import pytest

from tests.models.small_model import (
    INPUTS,
    NUM_HEADS,
    SOURCE,
    TARGET,
    TARGET_VOCAB,
    make_model,
    numbers,
    shared_model,
)
from tests.reference import sentence_logits, weights_of
from tf_transformer.layers import MultiHeadAttention


def attend(model, inputs=INPUTS):
    return {kind: numbers(weights) for kind, weights in model.attend(inputs).items()}


@pytest.mark.moderate
@pytest.mark.parametrize("normalize_first", [False, True])
def test_equals_the_paper(normalize_first):
    model = shared_model(normalize_first, TARGET_VOCAB)
    found = attend(model)
    assert found["encoder"].shape == (2, 2, 3, 7, 7)  # B, N, h, S, S
    assert found["decoder"].shape == (2, 2, 3, 5, 5)  # B, N, h, T, T
    assert found["cross"].shape == (2, 2, 3, 5, 7)  # B, N, h, T, S
    for row, pair in enumerate(zip(SOURCE, TARGET, strict=True)):
        seen = []
        sentence_logits(weights_of(model), *pair, NUM_HEADS, normalize_first, seen)
        expected = {"encoder": seen[:2], "decoder": seen[2::2], "cross": seen[3::2]}
        for kind, weights in expected.items():
            np.testing.assert_allclose(found[kind][row], weights, atol=2e-6)


def test_rows_sum_to_one_and_padding_has_weight_zero():
    found = attend(shared_model())
    for weights in found.values():
        np.testing.assert_allclose(weights.sum(axis=-1), 1.0, atol=1e-6)
    assert not found["encoder"][1, ..., 4:].any()
    assert not found["cross"][1, ..., 4:].any()
    assert not np.triu(found["decoder"], k=1).any()


@pytest.mark.moderate
def test_dropout_is_off():
    model = make_model(dropout_rate=0.5, attention_dropout_rate=0.5)
    first, second = attend(model), attend(model)
    for kind in first:
        np.testing.assert_array_equal(first[kind], second[kind])


class Attending(keras.Model):
    """`attend` compiled, as a translator compiles its search."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.built = True

    def call(self, inputs):
        return self.model.attend(inputs)


@pytest.mark.moderate
def test_compiled_gives_the_same():
    model = shared_model()
    compiled = Attending(model).predict_on_batch(INPUTS)
    for kind, weights in attend(model).items():
        np.testing.assert_allclose(numbers(compiled[kind]), weights, atol=2e-6)


@pytest.mark.moderate
def test_half_precision_gives_float32():
    model = shared_model(dtype="mixed_bfloat16")
    expected = attend(shared_model())
    for kind, weights in model.attend(INPUTS).items():
        assert keras.backend.standardize_dtype(weights.dtype) == "float32"
        np.testing.assert_allclose(numbers(weights), expected[kind], atol=0.1)


class OwnAttention(MultiHeadAttention):
    def attend(self, query, keys, values, attention_mask=None, *args, **kwargs):
        heads = self.split_heads(self.query_dense(query))
        return self.output_dense(self.merge_heads(heads)), None


def test_a_layer_that_does_not_pass_on_its_weights_is_named():
    model = make_model(attention=OwnAttention)
    with pytest.raises(ValueError, match="sow.*Received: OwnAttention"):
        model.attend(INPUTS)
