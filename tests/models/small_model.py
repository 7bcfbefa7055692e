"""The small model that the tests of this folder share, all sizes different."""

import functools

import keras
import numpy as np

from tf_transformer.models import Transformer

VOCAB, TARGET_VOCAB, NUM_HEADS, MAX_LENGTH = 23, 29, 3, 19

# real lengths 7 and 4, 5 and 3
SOURCE = np.array([[5, 9, 3, 17, 22, 4, 3], [6, 11, 8, 3, 0, 0, 0]], "int32")
TARGET = np.array([[2, 7, 12, 19, 21], [2, 14, 5, 0, 0]], "int32")
INPUTS = {"source_ids": SOURCE, "target_ids": TARGET}
TARGET_IS_REAL = TARGET != 0


def make_model(normalize_first=False, target_vocab_size=None, dtype=None, **changes):
    """A model whose biases and scales are random too, so that none can be lost."""
    arguments = {
        "num_layers": 2,
        "d_model": 12,
        "num_heads": NUM_HEADS,
        "d_ff": 17,
        "max_length": MAX_LENGTH,
        "dropout_rate": 0.0,
        "normalize_first": normalize_first,
        "target_vocab_size": target_vocab_size,
        "dtype": dtype,
        **changes,
    }
    keras.utils.set_random_seed(3)
    model = Transformer(VOCAB, **arguments)
    random = np.random.default_rng(4)
    for weight in model.weights:
        weight.assign(weight + random.normal(scale=0.2, size=weight.shape))
    return model


@functools.cache
def shared_model(normalize_first=False, target_vocab_size=None, **changes):
    """The same, made once: for tests that do not change it."""
    return make_model(normalize_first, target_vocab_size, **changes)


def numbers(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))
