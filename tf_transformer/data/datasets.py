"""Datasets of batches for `model.fit` on the current Keras backend."""

import warnings
from collections.abc import Iterable
from typing import Any

import keras

from tf_transformer.data.batching import Batches, EpochBatches
from tf_transformer.data.corpus import Pair
from tf_transformer.data.streaming import StreamedBatches
from tf_transformer.data.tokenizer import Tokenizer


def batches(
    pairs: Iterable[Pair],
    tokenizer: Tokenizer,
    window: int | None = None,
    static_shapes: bool | None = None,
    **arguments: Any,
) -> Any:
    """Makes a dataset for `model.fit` from pairs of sentences.

    Each iteration yields the batches in the order of the epoch `dataset.batches.epoch`.
    `fit` of a `SequenceModel` adds 1 after each epoch. A training loop of your own must
    do the same; `fit` of another model on TensorFlow, or with a dataset that you
    changed with `take`, `map` and so on, needs the callback `NextEpoch`.

    Args:
        pairs: Pairs `(source, target)`.
        tokenizer: `Tokenizer`.
        window: Optional integer. If set, the pairs (a list or a stream) are read
            again in every epoch, and only this number of pairs is in memory (see
            `StreamedBatches`). By default, all pairs are in memory (see `Batches`).
        static_shapes: Whether batches have at most 12 different shapes. Defaults to
            `True` on JAX and PyTorch, which compile again for each shape, and to
            `False` on TensorFlow.
        **arguments: Arguments of `Batches`: `batch_tokens`, `shuffle`, `seed`,
            `max_length`, `gradient_accumulation_steps`.

    Returns:
        `as_keras_dataset` of the `Batches` or `StreamedBatches`.

    Warns:
        UserWarning: If pairs are dropped: blank, or longer than `max_length`. With
            `window`, when the first of them is read; `dataset.batches.num_dropped` is
            their number after a complete pass.

    Example:

    >>> pairs = [("a cat sat", "고양이가 앉았다"), ("a dog ran", "개가 달렸다")]
    >>> tokenizer = Tokenizer.train(pairs, vocab_size=320)
    >>> len(batches(pairs, tokenizer, batch_tokens=1024, shuffle=True, seed=1))
    1
    """
    made = make_batches(pairs, tokenizer, window, static_shapes, **arguments)
    if made.num_dropped:
        num_pairs = made.num_dropped + (made.num_pairs or 0)
        warnings.warn(
            f"{made.num_dropped:,} of {num_pairs:,} pairs are dropped: blank, or "
            f"longer than max_length={made.max_length} tokens.",
            stacklevel=2,
        )
    return as_keras_dataset(made)


def make_batches(
    pairs: Iterable[Pair],
    tokenizer: Tokenizer,
    window: int | None = None,
    static_shapes: bool | None = None,
    sampling_alpha: float | None = None,
    **arguments: Any,
) -> EpochBatches:
    """Makes the `Batches` or `StreamedBatches` that `batches` wraps.

    With `sampling_alpha`, makes `StreamedBatches`, which encode in each epoch.
    """
    if static_shapes is None:
        static_shapes = keras.backend.backend() != "tensorflow"
    arguments["static_shapes"] = static_shapes
    if sampling_alpha is not None:
        arguments["sampling_alpha"] = sampling_alpha
        if window is None:
            pairs = list(pairs)
            window = max(1, len(pairs))
    if window is None:
        return Batches(pairs, tokenizer, **arguments)
    return StreamedBatches(pairs, tokenizer, window, **arguments)


def as_keras_dataset(batches: EpochBatches) -> Any:
    """Wraps batches for `model.fit` on the current Keras backend.

    Args:
        batches: `Batches` or `StreamedBatches`. Stored in the result's attribute
            `batches`; set its `epoch` to resume.

    Returns:
        A `tf.data.Dataset` on the TensorFlow backend, otherwise a
        `keras.utils.PyDataset`; pass `shuffle=False` to `fit` with the latter.

    Raises:
        ValueError: If the number of batches differs between epochs.
    """
    if batches.differs_between_epochs:
        raise ValueError(
            "Keras needs the number of batches. Expected batches without sampling, or "
            "as_endless_dataset(EndlessBatches(batches)) and steps_per_epoch in fit. "
            "Received: batches with sampling_alpha"
        )
    if keras.backend.backend() == "tensorflow":
        from tf_transformer.data.tf_dataset import tf_dataset

        return tf_dataset(batches)
    from tf_transformer.data.py_dataset import BatchesPyDataset

    return BatchesPyDataset(batches)
