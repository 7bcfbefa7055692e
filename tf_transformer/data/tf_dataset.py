"""The batches as a `tf.data.Dataset`, for the TensorFlow backend."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tf_transformer.data.batching import Batches
from tf_transformer.data.update_weights import mark_update
from tf_transformer.data.window import Batch


def tf_dataset(batches: Batches) -> tf.data.Dataset:
    """Feeds `Batches` to `model.fit` on TensorFlow.

    Each iteration gives the batches of `batches.epoch` at the moment when its first
    batch is asked for. The epoch advances when the last batch is handed out, not
    when it is prefetched; so the few batches with which Keras builds a model do not
    count as an epoch, and after an epoch of `fit` `batches.epoch` is the next one.

    Call it inside the scope of a `tf.distribute` strategy with several replicas:
    rows of padding then fill each batch up to a multiple of their number. Keras
    cannot build a model from replicas with different numbers of rows: a dataset made
    outside of the scope ends in its `InvalidArgumentError` that names `AddN`, if
    the first batch is uneven.

    Args:
        batches: The `Batches` to feed. Set `batches.epoch` to resume.

    Returns:
        A `tf.data.Dataset` whose elements are
        `({"source_ids": (B, S), "target_ids": (B, T)}, labels (B, T), weights (B, T))`
        with B, S and T unknown; with `gradient_accumulation_steps` > 1 the weights are
        `UpdateWeights`. It is of known cardinality, for which `StreamedBatches`
        are counted in a pass of their own. It is not sharded by file or data.

    Example:

    >>> from tf_transformer.data.batching import Batches
    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> pairs = [("a cat sat", "고양이가 앉았다"), ("a dog ran", "개가 달렸다")]
    >>> batches = Batches(pairs, Tokenizer.train(pairs, vocab_size=320))
    >>> dataset = tf_dataset(batches)
    >>> [labels.dtype for inputs, labels, weights in dataset], batches.epoch
    ([tf.int32], 1)
    """

    def generate() -> Iterator[tuple[Batch, int]]:
        epoch = batches.epoch
        elements = batches.elements(epoch)
        batch = next(elements)
        for following in elements:
            yield mark_update(batch, steps), -1
            batch = following
        yield mark_update(batch, steps), epoch

    def end_epoch(epoch: np.ndarray) -> None:
        batches.end_epoch(int(epoch))

    def hand_out(batch, ended_epoch):
        if ended_epoch >= 0:
            tf.numpy_function(end_epoch, [ended_epoch], [])
        return tf.nest.map_structure(fill_up, batch)

    def fill_up(rows):
        return tf.pad(rows, [[0, -tf.shape(rows)[0] % num_replicas], [0, 0]])

    steps = batches.gradient_accumulation_steps
    num_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    ids = tf.TensorSpec((None, None), tf.int32)
    weights = tf.TensorSpec((None, None), tf.float32)
    batch = mark_update(({"source_ids": ids, "target_ids": ids}, ids, weights), steps)
    dataset = tf.data.Dataset.from_generator(
        generate, output_signature=(batch, tf.TensorSpec((), tf.int64))
    )
    # Where the end is unknown, Keras takes a step too many to find it, and that step
    # counts for the optimizer: the updates of several batches would be shifted.
    cardinality = tf.data.experimental.assert_cardinality(batches.count())
    dataset = dataset.apply(cardinality)
    dataset = dataset.prefetch(tf.data.AUTOTUNE).map(hand_out)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.OFF
    )
    return dataset.with_options(options)
