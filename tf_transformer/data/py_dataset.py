"""Batches as a `keras.utils.PyDataset`, for the JAX and PyTorch backends."""

import keras

from tf_transformer.data.batching import Batches


class BatchesPyDataset(keras.utils.PyDataset):
    """The batches for `model.fit` on JAX and PyTorch.

    Keras' `fit` shuffles the order of a `PyDataset` by default. With updates of
    several batches that would mix them up, and is an error.

    Args:
        batches: The batches.

    Raises:
        ValueError: If batches of one update are asked for out of their order.
    """

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches
        self._expected = 0

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, i: int):
        in_order = i in (0, self._expected)
        if self.batches.gradient_accumulation_steps > 1 and not in_order:
            raise ValueError(
                "An update of several batches needs them in their order. Expected "
                f"model.fit(..., shuffle=False). Received: batch {i} after batch "
                f"{self._expected - 1}"
            )
        self._expected = i + 1
        return self.batches[i]

    def on_epoch_end(self) -> None:
        self.batches.epoch += 1
        self._expected = 0
