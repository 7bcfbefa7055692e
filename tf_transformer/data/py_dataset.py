"""The batches as a `keras.utils.PyDataset`, for the JAX and PyTorch backends."""

from collections.abc import Iterator

import keras

from tf_transformer.data.batching import Batches, EpochBatches
from tf_transformer.data.process_rows import process_rows
from tf_transformer.data.update_weights import mark_update
from tf_transformer.data.window import Batch


class BatchesPyDataset(keras.utils.PyDataset):
    """Feeds `Batches` to `model.fit` without TensorFlow.

    Pass `shuffle=False` to `fit`: by default Keras shuffles the batches without a
    seed. For `StreamedBatches`, and with `gradient_accumulation_steps` > 1, where this
    would mix the batches of different updates, shuffling raises an error.

    Keras needs the number of batches: `len` counts `StreamedBatches` in a separate
    pass.

    Keras calls `on_epoch_end`, which moves to the order of the next epoch if every
    batch was used. The batches that Keras reads to build a model do not count.

    Make it after `keras.distribution.set_distribution`: rows of padding then complete
    each batch, and each of several processes yields its own rows.

    Args:
        batches: The `Batches` or `StreamedBatches`.

    Raises:
        ValueError: If streamed batches, or the batches of an update, are not read in
            order.

    Example:

    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> pairs = [("a cat sat", "고양이가 앉았다"), ("a dog ran", "개가 달렸다")]
    >>> batches = Batches(pairs, Tokenizer.train(pairs, vocab_size=320))
    >>> dataset = BatchesPyDataset(batches)
    >>> inputs, labels, weights = dataset[0]
    """

    def __init__(self, batches: EpochBatches):
        super().__init__()
        self.batches = batches
        self._distribution = keras.distribution.distribution()
        self._served: set[int] = set()
        self._previous = -1
        self._stream: Iterator[Batch] = iter(())

    def __len__(self) -> int:
        return self.batches.count()

    def __getitem__(self, index: int) -> Batch:
        batches = self.batches
        in_order = index in (0, self._previous + 1)
        is_random = isinstance(batches, Batches)
        if not in_order and (batches.gradient_accumulation_steps > 1 or not is_random):
            raise ValueError(
                "Streamed batches and the batches of an update must be read in order. "
                f"Expected batch 0 or {self._previous + 1}; call "
                f"fit(..., shuffle=False). Received: index={index}."
            )
        if is_random:
            batch = batches.batch_at(batches.epoch, index)
        else:
            if index == 0:
                self._stream = batches.elements(batches.epoch)
            batch = next(self._stream)
        self._previous = index
        self._served.add(index)
        batch = process_rows(batch, self._distribution)
        return mark_update(batch, self.batches.gradient_accumulation_steps)

    def on_epoch_end(self) -> None:
        """Moves to the order of the next epoch if all batches were used."""
        if len(self._served) == len(self):
            self.batches.epoch += 1
        self._served.clear()
        self._previous = -1
