"""Compares normalizations, trained with batches of several sizes.

    python benchmarks/normalizations.py --output normalizations.json

Every cell of the table is a small Transformer, trained for the same number of updates
on the built-in corpus, with sentences of all lengths in each batch. It shows the
negative log-likelihood of unseen sentences twice: as in inference (BatchNorm uses its
running statistics), and in batches as in training (BatchNorm uses the
statistics of the batch). The last column is the largest change of a logit of a training
batch when 20 columns of padding are added.
"""

import argparse
import contextlib
import functools
import json
from pathlib import Path

import keras
import numpy as np
from keras import ops

import tf_transformer as tt

MODEL = {"num_layers": 2, "d_model": 64, "num_heads": 4, "d_ff": 256}
LENGTH = 40  # columns of every batch: sentences are shorter, the rest is padding
MORE_PADDING = 20
NUM_SCORED = 512
EPSILON = 1e-6
MOMENTUM = 0.9  # of the running statistics, for runs of hundreds of updates

padding_masks: list = [None]  # the last one is that of the sentences being read


@contextlib.contextmanager
def real_tokens(padding_mask):
    """Sets the padding mask of `TokenBatchNorm`, inside a `with` statement."""
    padding_masks.append(padding_mask)
    try:
        yield
    finally:
        padding_masks.pop()


class TokenBatchNorm(keras.layers.BatchNormalization):
    """BatchNorm with the statistics of real tokens only."""

    def call(self, inputs, training=None):
        return super().call(inputs, training=training, mask=padding_masks[-1])


class PositionGroupNorm(keras.layers.GroupNormalization):
    """GroupNorm of each position separately; Keras' own layer mixes all positions."""

    def call(self, inputs):
        rows = super().call(ops.reshape(inputs, (-1, inputs.shape[-1])))
        return ops.reshape(rows, ops.shape(inputs))


class MaskingTransformer(tt.Transformer):
    """Sets the padding mask of `TokenBatchNorm`."""

    def encode(self, source_ids, training=None):
        with real_tokens(tt.layers.padding_mask(source_ids)):
            return super().encode(source_ids, training)

    def decode(self, target_ids, encoded, training=None):
        with real_tokens(tt.layers.padding_mask(target_ids)):
            return super().decode(target_ids, encoded, training)


BATCH_NORM = {"epsilon": EPSILON, "momentum": MOMENTUM}
NORMALIZATIONS = {
    "layer": tt.layers.LayerNormalization,
    "rms": keras.layers.RMSNormalization,
    "group": functools.partial(PositionGroupNorm, groups=4, epsilon=EPSILON),
    "batch": functools.partial(TokenBatchNorm, **BATCH_NORM),
    "batch_with_padding": functools.partial(
        keras.layers.BatchNormalization, **BATCH_NORM
    ),
    "none": keras.layers.Identity,
}


def main(arguments: list[str] | None = None) -> None:
    """Trains, measures and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--output", type=Path, default=Path("normalizations.json"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 8, 64])
    parser.add_argument("--updates", type=int, default=600)
    parser.add_argument("--warmup", type=int, default=100)
    parser.add_argument("--peak", type=float, default=2e-3)
    parser.add_argument("--vocab-size", type=int, default=1000)
    parser.add_argument("--kinds", nargs="+", default=list(NORMALIZATIONS))
    parser.add_argument("--normalize-first", action="store_true", help="pre-norm")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    corpus = tt.data.load("en_ko_grammar")
    tokenizer = tt.data.Tokenizer.train(corpus.train, vocab_size=options.vocab_size)
    train = encoded(corpus.train, tokenizer)
    test = encoded(corpus.test, tokenizer)
    rows = {}
    for kind in options.kinds:
        rows[kind] = {
            size: measure(kind, size, train, test, tokenizer.vocab_size, options)
            for size in options.sizes
        }
        print(line(kind, rows[kind].values()), flush=True)
    results = {
        "settings": {**vars(options), "output": str(options.output)},
        "rows": rows,
    }
    options.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(f"\n{table(rows, options.sizes)}")


def encoded(pairs, tokenizer) -> list:
    """Pairs of rows of ids that fit into `LENGTH` columns."""
    sources, targets = zip(*pairs, strict=True)
    rows = zip(
        tokenizer.encode_source(sources), tokenizer.encode_target(targets), strict=True
    )
    return [row for row in rows if max(map(len, row)) <= LENGTH]


def element(rows, length=LENGTH):
    """A batch of pairs as `fit` takes it, padded to `length` columns."""
    source_ids, labels = np.zeros((2, len(rows), length), "int32")
    for i, (source, target) in enumerate(rows):
        source_ids[i, : len(source)], labels[i, : len(target)] = source, target
    target_ids = np.roll(labels, 1, axis=1)
    target_ids[:, 0] = 2
    inputs = {"source_ids": source_ids, "target_ids": target_ids * (labels != 0)}
    return inputs, labels, np.float32(labels != 0) / np.sum(labels != 0)


def measure(kind, size, train, test, vocab_size, options) -> dict:
    """Trains one model on batches of `size` sentences and measures it."""
    keras.utils.set_random_seed(options.seed)
    random = np.random.default_rng(options.seed)
    model = MaskingTransformer(
        vocab_size,
        **MODEL,
        dropout_rate=0.0,  # then training=True changes BatchNorm alone
        norm=NORMALIZATIONS[kind],
        normalize_first=options.normalize_first,
    )
    schedule = tt.TransformerSchedule(
        model.d_model, options.warmup, peak=options.peak, total_steps=options.updates
    )
    model.compile(
        tt.Adam(schedule),
        loss=tt.MaskedCrossEntropy(),
    )
    for _ in range(options.updates):
        indices = random.choice(len(train), size, replace=False)
        model.train_on_batch(*element([train[i] for i in indices]))
    in_use = negative_log_likelihood(model, test, 64, training=False)
    as_in_training = negative_log_likelihood(model, test, size, training=True)
    return {
        "in_use": round(in_use, 3),
        "as_in_training": round(as_in_training, 3),
        "moved_by_padding": round(moved_by_padding(model, test[:size]), 3),
    }


class Losses(keras.Model):
    """The loss of each target token as a compiled model, in training or inference."""

    def __init__(self, model, training):
        super().__init__()
        self.model, self.in_training = model, training
        self.built = True

    def call(self, inputs):
        logits = self.model(inputs, training=self.in_training)
        labels = inputs["labels"]
        return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def negative_log_likelihood(model, rows, size, training) -> float:
    """Nats per real target token, in batches of `size` sentences."""
    token_losses, total, num_tokens = Losses(model, training), 0.0, 0
    for start in range(0, NUM_SCORED, size):
        inputs, labels, _ = element(rows[start : start + size])
        losses = token_losses.predict_on_batch({**inputs, "labels": labels})
        total += float(np.sum(losses * (labels != 0)))
        num_tokens += np.sum(labels != 0)
    return total / num_tokens


def moved_by_padding(model, rows) -> float:
    """Largest change of a logit of a training batch when padding is added."""
    inputs, labels, _ = element(rows)
    padded, _, _ = element(rows, LENGTH + MORE_PADDING)
    one, other = (
        ops.convert_to_numpy(model(x, training=True))[:, :LENGTH]
        for x in (inputs, padded)
    )
    return float(np.abs(one - other)[labels != 0].max())


def line(kind, cells) -> str:
    """One row of the table."""
    cells = list(cells)
    nats = [f"{cell['in_use']:.2f} / {cell['as_in_training']:.2f}" for cell in cells]
    moved = max(cell["moved_by_padding"] for cell in cells)
    return f"| {kind} | {' | '.join(nats)} | {moved:.2f} |"


def table(rows, sizes) -> str:
    """The whole table in Markdown."""
    head = [f"{size} sentences" for size in sizes]
    lines = [
        f"| normalization | {' | '.join(head)} | change by padding |",
        "|---" * (len(sizes) + 2) + "|",
    ]
    return "\n".join(
        [*lines, *(line(kind, cells.values()) for kind, cells in rows.items())]
    )


if __name__ == "__main__":
    main()
