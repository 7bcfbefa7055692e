"""A small translator with random weights, its texts, and its scores by the paper."""

import numpy as np
import pytest

from tests import reference
from tf_transformer.models import Transformer

PAIRS = [
    ("I am a student", "나는 학생이다"),
    ("the animal crossed the street", "동물이 길을 건넜다"),
    ("she reads a long book at night", "그녀는 밤에 긴 책을 읽는다"),
    ("we were tired", "우리는 피곤했다"),
]
TEXTS = [
    "the student reads",
    "",
    "I am tired and she was a long animal",
    "we crossed the street at night",
    "   ",
    "a book",
]
MAX_LENGTH, NUM_HEADS = 47, 3
SETTINGS = [
    {"beam_size": 1},
    {"beam_size": 3, "num_hypotheses": 2, "max_length": 9},
    {"sample": True, "num_hypotheses": 2, "temperature": 0.9, "top_k": 40, "seed": 6},
]
EVERY_SEARCH = pytest.mark.parametrize(
    "settings",
    [
        pytest.param(SETTINGS[0], id="greedy"),
        pytest.param(SETTINGS[1], id="beam"),
        pytest.param(SETTINGS[2], id="sample", marks=pytest.mark.long),
    ],
)


def random_model(tokenizer, seed=6):
    model = Transformer(
        tokenizer.vocab_size,
        num_layers=1,
        d_model=12,
        num_heads=NUM_HEADS,
        d_ff=17,
        max_length=MAX_LENGTH,
    )
    set_random_weights(model, seed)
    return model


def set_random_weights(model, seed):
    """Large kernels, small biases: the output depends on the input."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        is_offset = weight.path.endswith(("bias", "beta"))
        noise = random.normal(scale=0.1 if is_offset else 0.8, size=weight.shape)
        weight.assign(noise)


def assert_same(found, expected):
    """The same ids and text, and scores as near as float32 makes them."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert [best.token_ids for best in one] == [best.token_ids for best in other]
        assert [best.text for best in one] == [best.text for best in other]
        np.testing.assert_allclose(
            [best.score for best in one], [best.score for best in other], rtol=1e-5
        )


def score_by_reference(translator, text, token_ids):
    """ln P of the tokens by the paper in NumPy."""
    (source,) = translator.tokenizer.encode_source([text])
    weights = reference.weights_of(translator.model)
    target = [2, *token_ids[:-1]]
    logits = reference.sentence_logits(weights, source, target, NUM_HEADS)
    return -sum(
        reference.smoothed_cross_entropy(label, row, 0.0)
        for label, row in zip(token_ids, logits, strict=True)
    )
