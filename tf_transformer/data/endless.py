"""Batches of all epochs in an endless sequence, from any position in the data."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

from tf_transformer.data.batching import EpochBatches, Place
from tf_transformer.data.process_rows import process_rows
from tf_transformer.data.update_weights import mark_update


class Progress(NamedTuple):
    """How far training has progressed in the data.

    Attributes:
        place: The `Place` of the next update.
        updates: Integer. Number of updates so far.
        tokens: Integer. Number of real target tokens in these updates.
    """

    place: Place = Place()
    updates: int = 0
    tokens: int = 0


class EndlessBatches:
    """Yields the batches of a training, epoch after epoch, from a position.

    A checkpoint stores `progress`; a resumed training passes it as `start` and gets
    the same batches. The batches of an epoch are not counted in advance.

    Args:
        batches: `Batches` or `StreamedBatches`.
        start: The `Progress` to start from. Defaults to the beginning.

    Attributes:
        error: The exception that ended an iteration, or `None`. TensorFlow replaces it
            with its own error.

    Example:

    >>> from tf_transformer.data.batching import Batches
    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> pairs = [("a cat sat", "고양이가 앉았다"), ("a dog ran", "개가 달렸다")]
    >>> tokenizer = Tokenizer.train(pairs, vocab_size=320)
    >>> endless = EndlessBatches(Batches(pairs, tokenizer, batch_tokens=1))
    >>> for _ in zip(range(3), endless):  # an epoch has two batches
    ...     pass
    >>> endless.progress(3).place
    Place(epoch=1, update=1, window=0, batch=0)
    """

    def __init__(self, batches: EpochBatches, start: Progress = Progress()):  # noqa: B008
        self.batches = batches
        self.start = start
        self.error: Exception | None = None
        self._progress = {start.updates: start}

    def progress(self, updates: int) -> Progress:
        """Returns the progress after `updates` updates; they must have been yielded."""
        progress = self._progress[updates]
        # a copy, because another thread may make the next batches at the same time
        for earlier in [number for number in list(self._progress) if number < updates]:
            del self._progress[earlier]
        return progress

    def __iter__(self) -> Iterator[tuple]:
        try:
            yield from self._elements()
        except Exception as error:
            self.error = error
            raise

    def _elements(self) -> Iterator[tuple]:
        place, updates, tokens = self.start
        while True:
            for batches, place_after in self.batches.updates(place):
                updates += 1
                tokens += sum(int(np.count_nonzero(labels)) for _, labels, _ in batches)
                self._progress[updates] = Progress(place_after, updates, tokens)
                for batch in batches:
                    yield mark_update(batch, self.batches.gradient_accumulation_steps)
            place = Place(place.epoch + 1)


def as_endless_dataset(batches: EndlessBatches) -> Any:
    """Wraps endless batches for `model.fit(..., steps_per_epoch=...)`.

    Returns:
        A `tf.data.Dataset` on the TensorFlow backend, otherwise a generator, which can
        be used once. Under a `keras.distribution` it yields this process' rows.
    """
    if keras.backend.backend() == "tensorflow":
        from tf_transformer.data.tf_dataset import generated_dataset

        steps = batches.batches.gradient_accumulation_steps
        return generated_dataset(batches.__iter__, steps)
    return _rows(batches, keras.distribution.distribution())


def _rows(batches, distribution) -> Iterator[tuple]:
    for batch in batches:
        yield process_rows(batch, distribution)
