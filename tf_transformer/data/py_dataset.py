"""The batches as a `keras.utils.PyDataset`, for the JAX and PyTorch backends."""

import keras

from tf_transformer.data.batching import Batches
from tf_transformer.data.update_weights import mark_update
from tf_transformer.data.window import Batch


class BatchesPyDataset(keras.utils.PyDataset):
    """Feeds `Batches` to `model.fit` without TensorFlow.

    Pass `shuffle=False` to `fit`: by default Keras draws the order of the batches
    anew, without a seed. With `gradient_accumulation_steps` > 1 that would mix the
    batches of different updates, so it is refused.

    Keras must know the number of batches: `StreamedBatches` are counted in a pass of
    their own when it is asked for.

    The next epoch's order begins after an epoch in which every batch was asked for.
    The few batches with which Keras builds a model do not count as an epoch.

    Args:
        batches: The `Batches` to feed.

    Raises:
        ValueError: If the batches of an update are asked for out of order.

    Example:

    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> pairs = [("a cat sat", "고양이가 앉았다"), ("a dog ran", "개가 달렸다")]
    >>> batches = Batches(pairs, Tokenizer.train(pairs, vocab_size=320))
    >>> dataset = BatchesPyDataset(batches)
    >>> inputs, labels, weights = dataset[0]
    """

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches
        self._served: set[int] = set()
        self._previous = -1

    def __len__(self) -> int:
        return self.batches.count()

    def __getitem__(self, index: int) -> Batch:
        in_order = index in (0, self._previous + 1)
        if self.batches.gradient_accumulation_steps > 1 and not in_order:
            raise ValueError(
                f"Batches of one update must be used one after the other. Expected "
                f"batch {self._previous + 1}; call fit(..., shuffle=False). "
                f"Received: index={index}."
            )
        batch = self.batches[index]
        self._previous = index
        self._served.add(index)
        return mark_update(batch, self.batches.gradient_accumulation_steps)

    def on_epoch_end(self) -> None:
        """Goes on to the next epoch's order if all batches were used."""
        if len(self._served) == len(self):
            self.batches.end_epoch(self.batches.epoch)
        self._served.clear()
        self._previous = -1
