"""5 updates of 64 sentences as batches of every form."""

import numpy as np

from tests.training.small_training import NumberTokenizer
from tf_transformer.data.batching import Batches

UPDATES, SENTENCES, SHORTEST, LONGEST = 5, 64, 3, 40
VOCAB = 23


def sentences():
    """Updates of (source, target) ids, short sentences first or last."""
    random = np.random.default_rng(11)
    made = []
    for update in range(UPDATES):
        lengths = np.sort(random.integers(SHORTEST, LONGEST + 1, SENTENCES))
        lengths = lengths[:: 1 if update % 2 else -1]
        others = np.clip(lengths + random.integers(-2, 5, SENTENCES), 2, LONGEST)
        pairs = zip(others, lengths, strict=True)
        made.append([[random.integers(4, VOCAB, n) for n in pair] for pair in pairs])
    return made


def padded(rows):
    ids = np.zeros((len(rows), max(map(len, rows)) + 1), "int32")
    for row, tokens in zip(ids, rows, strict=True):
        row[: len(tokens) + 1] = [*tokens, 3]
    return ids


def element(pairs, weight):
    """A batch in the documented form."""
    source_ids, labels = map(padded, zip(*pairs, strict=True))
    target_ids = np.where(labels, np.pad(labels, ((0, 0), (1, 0)))[:, :-1], 0)
    target_ids[:, 0] = 2
    inputs = {"source_ids": source_ids, "target_ids": target_ids}
    return inputs, labels, (np.float32(weight) * (labels != 0)).astype("float32")


def num_tokens(pairs):
    return sum(len(target) + 1 for _, target in pairs)


def micro_batches(num_batches):
    """Every real token weighs (batches of the update) / (its real tokens)."""
    size = SENTENCES // num_batches
    return [
        element(update[i : i + size], num_batches / num_tokens(update))
        for update in sentences()
        for i in range(0, SENTENCES, size)
    ]


def tokens_of_parts(num_parts):
    """Real target tokens of the micro-batches or replicas of the first update."""
    size = SENTENCES // num_parts
    first = sentences()[0]
    return [num_tokens(first[i : i + size]) for i in range(0, SENTENCES, size)]


def own_data(kind):
    """What a user writes, who has never heard of weights n / tokens."""
    for inputs, labels, _ in micro_batches(1):
        rows = len(labels)
        if kind == "no weights":
            yield inputs, labels
        elif kind == "ones":
            yield inputs, labels, np.ones((rows,), "float32")
        else:
            yield inputs, labels, np.arange(rows, dtype="float32")[:, None] % 3


def uneven_batches():
    """Batches whose rows no number of replicas divides, from the first on."""
    pairs = [
        [" ".join(map(str, ids)) for ids in pair]
        for pair in [pair for update in sentences() for pair in update][:91]
    ]
    return Batches(pairs, NumberTokenizer(), batch_tokens=232)
