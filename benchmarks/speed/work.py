"""The work of all programs: models, batches and sources.

Sentences have the lengths of Multi30k in subwords; ids are random. Only NumPy is
needed, so that every program can import this file in its own environment.
"""

import numpy as np

MODELS = {
    "S": {"num_layers": 3, "d_model": 256, "num_heads": 4, "d_ff": 1024},
    "B": {"num_layers": 6, "d_model": 512, "num_heads": 8, "d_ff": 2048},
}
VOCAB_SIZE = 8000
PAD_ID, BOS_ID, EOS_ID, FIRST_ID = 0, 2, 3, 4
DROPOUT_RATE = 0.1
LABEL_SMOOTHING = 0.1
BATCH_TOKENS = 2048  # padded target tokens of a training batch
NUM_BATCHES = {"S": 4, "B": 1}  # of one turn
STEPS = 20  # tokens written for each sentence, the end token counted
NUM_SOURCES = {("S", 1): 24, ("S", 32): 128, ("B", 1): 8, ("B", 32): 64}


def lengths(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Source and target lengths: log-normal, mean 15, 3 to 60, correlated."""
    normal = np.random.default_rng(seed).standard_normal((2, number))
    correlated = 0.85 * normal[0] + np.sqrt(1 - 0.85**2) * normal[1]
    return tuple(
        np.clip(np.rint(np.exp(2.625 + 0.408 * z)), 3, 60).astype(int)
        for z in (normal[0], correlated)
    )


def training_batches(name: str) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(source ids, target ids, labels) of sentences of similar length."""
    source_lengths, target_lengths = lengths(20_000, seed=7)
    order = np.lexsort((source_lengths, target_lengths))
    groups, start = [], 0
    while start < len(order):
        stop = start
        while stop < len(order) and (
            (stop + 1 - start) * target_lengths[order[stop]] <= BATCH_TOKENS
        ):
            stop += 1
        groups.append(order[start:stop])
        start = stop
    random = np.random.default_rng(5)
    chosen = random.permutation(len(groups))[: NUM_BATCHES[name]]
    return [
        batch(source_lengths[groups[i]], target_lengths[groups[i]], random)
        for i in chosen
    ]


def weighted(batch):
    """Inputs, labels and sample weights, as `tt.data.batches` yields them."""
    source_ids, target_ids, labels = batch
    is_token = labels != PAD_ID
    weights = (is_token / is_token.sum()).astype("float32")
    return {"source_ids": source_ids, "target_ids": target_ids}, labels, weights


def batch(source_lengths, target_lengths, random, **sizes):
    """(source ids, target ids, labels) of sentences of these lengths; see `rows`."""
    source_ids = rows(source_lengths, random, **sizes)
    labels = rows(target_lengths, random, **sizes)
    target_ids = np.where(labels != PAD_ID, np.roll(labels, 1, axis=1), PAD_ID)
    target_ids[:, 0] = BOS_ID
    return source_ids, target_ids, labels


def rows(row_lengths, random, width=None, vocab_size=VOCAB_SIZE) -> np.ndarray:
    """Random ids that end in the end token, padded to `width` or the longest."""
    shape = (len(row_lengths), width or max(row_lengths))
    ids = random.integers(FIRST_ID, vocab_size, shape, dtype="int32")
    columns, last = np.arange(shape[1]), np.asarray(row_lengths)[:, None] - 1
    padded = np.where(columns == last, EOS_ID, PAD_ID)
    return np.where(columns < last, ids, padded).astype("int32")


def decoding_batches(name: str, batch_size: int) -> list[np.ndarray]:
    """Source ids of sentences of similar length, in batches."""
    source_lengths = np.sort(lengths(512, seed=9)[0])
    random = np.random.default_rng(3)
    starts = np.arange(0, len(source_lengths), batch_size)
    number = NUM_SOURCES[name, batch_size] // batch_size
    chosen = starts[np.linspace(0, len(starts) - 1, number).astype(int)]
    return [rows(source_lengths[i : i + batch_size], random) for i in chosen]


def num_tokens(batches) -> int:
    """Real target tokens."""
    return sum(int((labels != PAD_ID).sum()) for *_, labels in batches)


def training_operations(name: str, batches) -> float:
    """Floating point operations of forward and backward matrix products."""
    sizes = MODELS[name]
    d, n, f = (sizes[key] for key in ("d_model", "num_layers", "d_ff"))
    total = 0.0
    for source_ids, _, labels in batches:
        s = (source_ids != PAD_ID).sum(1).astype(float)
        t = (labels != PAD_ID).sum(1).astype(float)
        encoder = n * (2 * s * (4 * d * d + 2 * d * f) + 4 * s * s * d)
        decoder = n * (
            2 * t * (6 * d * d + 2 * d * f)
            + 4 * s * d * d
            + 4 * t * t * d
            + 4 * t * s * d
        )
        total += 3 * float((encoder + decoder + 2 * t * d * VOCAB_SIZE).sum())
    return total
