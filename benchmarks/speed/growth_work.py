"""One measurement of `growth.py`, in its own process to measure its memory.

Its arguments are the kind and the sizes, for example `decoding 32 1 128`.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ours_training import compiled
from turns import most_memory
from work import FIRST_ID, MODELS, VOCAB_SIZE

import tf_transformer as tt
from tf_transformer.inference.search import search

SOURCE_TOKENS = 16
BLOCK = 100_000  # random pairs, which a larger corpus repeats
STEP_TOKENS = 8192  # in one call of `fit`, so that its overhead is small
MOST_SECONDS = 60  # limit for reading a corpus


def main(kind: str, *sizes: str) -> None:
    """Prints a line of JSON."""
    measure = {"decoding": decoding, "training": training, "corpus": corpus}[kind]
    figures = measure(*map(int, sizes))
    figures["GB"] = most_memory()
    print(json.dumps(figures))


def decoding(batch_size: int, beam_size: int, tokens: int, vocab_size=VOCAB_SIZE):
    """Milliseconds for each step of model S; every sentence has `tokens` of them."""
    keras.utils.set_random_seed(1)
    model = tt.Transformer(vocab_size, max_length=tokens, **MODELS["S"])
    settings = tt.SearchSettings(
        beam_size=beam_size, min_length=tokens, max_length=tokens
    )
    program = tf.function(
        lambda ids: search(model, ids, settings), autograph=False, jit_compile=True
    )
    ids = tf.constant(random_ids((batch_size, SOURCE_TOKENS), vocab_size))
    seconds = timed(lambda: program(ids)["token_ids"].numpy(), at_least=5)
    return {"ms per step": 1000 * seconds / tokens}


def training(rows: int, length: int, vocab_size=VOCAB_SIZE):
    """Target tokens per second of model S, by `fit`, all rows of the same length."""
    tt.keep_freed_memory()
    keras.utils.set_random_seed(1)
    model = compiled(tt.Transformer(vocab_size, max_length=length, **MODELS["S"]))
    ids = random_ids((rows, length), vocab_size)
    inputs = {"source_ids": ids, "target_ids": ids}
    weights = np.full(ids.shape, 1 / ids.size, "float32")
    steps = max(2, STEP_TOKENS // ids.size)
    element = tf.data.Dataset.from_tensors((inputs, ids, weights)).repeat(steps)
    seconds = timed(lambda: model.fit(element, verbose=0), at_least=8) / steps
    return {"tokens/s": ids.size / seconds}


def corpus(num_pairs: int):
    """Streams pairs from a file in windows of 100,000, until the time limit."""
    made = np.random.default_rng(1)
    words = np.array([f"word{i}" for i in range(20_000)])
    lines = [" ".join(made.choice(words, made.integers(4, 14))) for _ in range(BLOCK)]
    block = [*zip(lines, lines[::-1], strict=True)]
    tokenizer = tt.data.Tokenizer.train(block[:20_000], VOCAB_SIZE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pairs.tsv")
        with path.open("w", encoding="utf-8") as file:
            for start in range(0, num_pairs, BLOCK):
                rows = block[: num_pairs - start]
                file.write("".join(f"{one}\t{other}\n" for one, other in rows))
        pairs = tt.data.stream_tsv(path)
        start = time.perf_counter()
        batches = tt.data.StreamedBatches(pairs, tokenizer, batch_tokens=4096)
        read, first = 0, None
        for _, labels, _ in batches:
            first = first or time.perf_counter() - start
            read += len(labels)
            if time.perf_counter() - start > MOST_SECONDS:
                break
        seconds = time.perf_counter() - start
    return {"first batch s": first, "pairs read": read, "pairs/s": read / seconds}


def random_ids(shape, vocab_size) -> np.ndarray:
    """Random ids without padding."""
    return np.random.default_rng(2).integers(FIRST_ID, vocab_size, shape, dtype="int32")


def timed(work, at_least: float) -> float:
    """Median seconds of `work()` after a first call, over some seconds."""
    work()
    seconds, end = [], time.perf_counter() + at_least
    while len(seconds) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
