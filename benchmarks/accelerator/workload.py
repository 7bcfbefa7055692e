"""The work of all programs: models, batches and sources.

All arrays of one kind have one shape, so that a compiler compiles once. Only NumPy is
needed, so that every program can import this file in its own environment.
"""

import numpy as np
from shared import PAD_ID, batch, lengths, rows

# the paper's table 3, with its vocabulary of section 5.1; tiny is for a CPU
MODELS = {
    "base": {"num_layers": 6, "d_model": 512, "num_heads": 8, "d_ff": 2048},
    "big": {"num_layers": 6, "d_model": 1024, "num_heads": 16, "d_ff": 4096},
    "tiny": {"num_layers": 2, "d_model": 128, "num_heads": 4, "d_ff": 512},
}
VOCAB_SIZES = {"base": 37_000, "big": 37_000, "tiny": 1_000}
LENGTH = 64  # tokens of a row of a training batch, on both sides
SHORTEST = 49  # sentences of similar length: 49 to 64 tokens, seven eighths are real
SOURCE_LENGTH = 32  # tokens of a source to translate, padding counted
NUM_BATCHES = 4  # different training batches, which the steps repeat
NUM_SOURCES = 8  # minimum number of sentences of one turn of decoding
WARMUP_STEPS = 4000


def training_batches(name: str, batch_tokens: int) -> list:
    """(source ids, target ids, labels) of `batch_tokens` padded target tokens."""
    random = np.random.default_rng(5)
    shape = (NUM_BATCHES, 2, batch_tokens // LENGTH)
    row_lengths = random.integers(SHORTEST, LENGTH + 1, shape)
    sizes = {"width": LENGTH, "vocab_size": VOCAB_SIZES[name]}
    return [batch(*lengths, random, **sizes) for lengths in row_lengths]


def decoding_batches(name: str, batch_size: int) -> list[np.ndarray]:
    """Source ids with the lengths of Multi30k, sorted, in batches."""
    number = max(1, NUM_SOURCES // batch_size)
    row_lengths = np.sort(lengths(number * batch_size, seed=9)[0])
    row_lengths = np.minimum(row_lengths, SOURCE_LENGTH).reshape(number, batch_size)
    random = np.random.default_rng(3)
    return [
        rows(lengths, random, SOURCE_LENGTH, VOCAB_SIZES[name])
        for lengths in row_lengths
    ]


def num_tokens(batch) -> int:
    """Real target tokens of a training batch."""
    return int((batch[-1] != PAD_ID).sum())


def training_operations(sizes: dict, vocab_size: int, batch) -> float:
    """Useful floating point operations of an update: padding does not count.

    Six for each weight that a token is multiplied by, forward and backward, and
    twelve for each number of a query and each key it attends to.
    """
    n, d, f = (sizes[key] for key in ("num_layers", "d_model", "d_ff"))
    source_ids, _, labels = batch
    s, t = ((ids != PAD_ID).sum(1).astype(float) for ids in (source_ids, labels))
    # the last summand: keys and values of cross-attention
    source_operations = n * (4 * d * d + 2 * d * f + 2 * d * d)
    target_operations = n * (6 * d * d + 2 * d * f) + d * vocab_size
    looks = n * (s * s + t * t + t * s)
    products = s * source_operations + t * target_operations
    return float((6 * products + 12 * d * looks).sum())
