"""A callback that gives each epoch of `fit` another order of the batches."""

import keras


class NextEpoch(keras.callbacks.Callback):
    """Moves the dataset to the order of the next epoch at the end of each epoch.

    `fit` of our models adds it for a dataset of `batches(...)`. Pass it yourself to
    `fit` of another model on TensorFlow, or when you have changed the dataset by
    `map`, `take` and so on.

    Args:
        batches: `Batches` or `StreamedBatches`.

    Example:

        dataset = tt.data.batches(pairs, tokenizer, shuffle=True)
        model.fit(dataset.take(9), callbacks=[NextEpoch(dataset.batches)])
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_end(self, epoch, logs=None):
        self.batches.epoch += 1
