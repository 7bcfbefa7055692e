"""Callbacks that change the order of the batches in each epoch of `fit`."""

import keras


class FirstEpoch(keras.callbacks.Callback):
    """Moves a new dataset to the order of the epoch at which `fit` begins.

    That epoch is not 0 with `fit(initial_epoch=3)`, or after Keras' `BackupAndRestore`.
    A dataset that has had as many epochs is not changed.

    Args:
        batches: `Batches` or `StreamedBatches`.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches
        self._has_begun = False

    def on_train_begin(self, logs=None):
        self._has_begun = False

    def on_epoch_begin(self, epoch, logs=None):
        # only once: with `steps_per_epoch`, Keras' epochs are shorter than the data's
        if not self._has_begun:
            self.batches.epoch = max(self.batches.epoch, epoch)
        self._has_begun = True


class NextEpoch(FirstEpoch):
    """Also moves the dataset to the order of the next epoch at the end of each epoch.

    `fit` of a `SequenceModel` adds it for a dataset of `batches(...)`. With another
    model on TensorFlow, or if you changed the dataset with `map`, `take` and so on,
    pass it to `fit`.

    Args:
        batches: `Batches` or `StreamedBatches`.

    Example:

        dataset = tt.data.batches(pairs, tokenizer, shuffle=True)
        model.fit(dataset.take(9), callbacks=[NextEpoch(dataset.batches)])
    """

    def on_epoch_end(self, epoch, logs=None):
        self.batches.epoch += 1
