"""Our training, through `model.fit`: one epoch over the batches for each turn."""

import sys
import time

import keras
import tensorflow as tf
from turns import answer, answering
from work import DROPOUT_RATE, LABEL_SMOOTHING, MODELS, VOCAB_SIZE, training_batches

import tf_transformer as tt


class Turns(keras.callbacks.Callback):
    """Waits for a turn before each epoch but the first, which warms up."""

    def __init__(self):
        super().__init__()
        self.answers = answering()

    def on_epoch_begin(self, epoch, logs=None):
        if epoch and not sys.stdin.readline():
            sys.exit()
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        print(answer(self.start, logs), file=self.answers, flush=True)


def main(name: str, keep_memory: str) -> None:
    """Trains model S or B until its turns end."""
    if keep_memory == "keep":
        tt.keep_freed_memory()
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
    model = make_model(name)
    model.fit(dataset, epochs=10**9, shuffle=False, verbose=0, callbacks=[Turns()])


def weighted(batch):
    """Inputs, labels and sample weights, as `tt.batches` yields them."""
    source_ids, target_ids, labels = batch
    weights = ((labels != 0) / (labels != 0).sum()).astype("float32")
    return {"source_ids": source_ids, "target_ids": target_ids}, labels, weights


def make_model(name: str):
    """Model S or B, compiled."""
    keras.utils.set_random_seed(1)
    model = tt.Transformer(VOCAB_SIZE, dropout_rate=DROPOUT_RATE, **MODELS[name])
    schedule = tt.TransformerSchedule(model.d_model)
    model.compile(
        tt.Adam(schedule),
        loss=tt.MaskedCrossEntropy(label_smoothing=LABEL_SMOOTHING),
        metrics=[tt.MaskedAccuracy(), tt.Perplexity()],
    )
    return model


if __name__ == "__main__":
    main(*sys.argv[1:])
