"""`model.fit` in turns, one epoch per turn."""

import sys

import keras
import tensorflow as tf
from turns import answer, answering, clocks
from work import training_batches, weighted


class Turns(keras.callbacks.Callback):
    """Waits for a turn before each epoch but the first, which warms up."""

    def __init__(self):
        super().__init__()
        self.answers = answering()

    def on_epoch_begin(self, epoch, logs=None):
        if epoch and not sys.stdin.readline():
            sys.exit()
        self.start = clocks()

    def on_epoch_end(self, epoch, logs=None):
        print(answer(self.start, logs), file=self.answers, flush=True)


def fit_in_turns(model, name: str) -> None:
    """Trains a compiled model on the batches of model S or B, in turns."""
    elements = [weighted(batch) for batch in training_batches(name)]
    ids = tf.TensorSpec([None, None], tf.int32)
    dataset = tf.data.Dataset.from_generator(
        lambda: elements,
        output_signature=(
            {"source_ids": ids, "target_ids": ids},
            ids,
            tf.TensorSpec([None, None], tf.float32),
        ),
    ).prefetch(2)
    options = tf.data.Options()
    options.autotune.enabled = False  # as in `tt.data.batches`
    dataset = dataset.with_options(options)
    model.fit(dataset, epochs=10**9, shuffle=False, verbose=0, callbacks=[Turns()])
