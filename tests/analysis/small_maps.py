"""A small translator and random maps that the tests of this folder share."""

import functools

import keras
import numpy as np

from tf_transformer.analysis.maps import AttentionMaps
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.inference.translator import Translator
from tf_transformer.models import Transformer

PAIRS = [
    ("the animal crossed the street", "동물이 길을 건넜다"),
    ("I was a tired student.", "나는 피곤한 학생이었다."),
    ("she reads a long book at night", "그녀는 밤에 긴 책을 읽는다"),
]
TEXTS, TRANSLATIONS = (list(side) for side in zip(*PAIRS, strict=True))
NUM_LAYERS, NUM_HEADS, D_MODEL, MAX_LENGTH = 2, 3, 12, 61


@functools.cache
def small_translator():
    """Random weights; two batches for the three texts."""
    tokenizer = Tokenizer.train(PAIRS, vocab_size=330)
    keras.utils.set_random_seed(5)
    model = Transformer(
        tokenizer.vocab_size,
        num_layers=NUM_LAYERS,
        d_model=D_MODEL,
        num_heads=NUM_HEADS,
        d_ff=17,
        max_length=MAX_LENGTH,
    )
    random = np.random.default_rng(6)
    for weight in model.weights:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    return Translator(model, tokenizer, batch_size=2)


def random_weights(random, rows, keys, causal=False):
    """Rows that sum to 1, `(N, h, rows, keys)`."""
    weights = random.random((NUM_LAYERS, NUM_HEADS, rows, keys)) ** 3
    if causal:
        weights = np.tril(weights)
    return weights / weights.sum(axis=-1, keepdims=True)


def random_maps(num_sources, num_targets, seed=0):
    """Maps of words without meaning."""
    random = np.random.default_rng(seed)
    source = (*(f"s{i}" for i in range(num_sources - 1)), "</s>")
    target = (*(f"t{i}" for i in range(num_targets - 1)), "</s>")
    return AttentionMaps(
        source,
        target,
        ("<s>", *target[:-1]),
        cross=random_weights(random, num_targets, num_sources),
        encoder=random_weights(random, num_sources, num_sources),
        decoder=random_weights(random, num_targets, num_targets, causal=True),
    )
