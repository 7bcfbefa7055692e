"""Batches as a `tf.data.Dataset`."""

import tensorflow as tf

from tf_transformer.data.batching import Batches


def tf_dataset(batches: Batches) -> tf.data.Dataset:
    """The batches for `model.fit` on TensorFlow.

    Args:
        batches: The batches. Each iteration of the dataset takes their next epoch.

    Returns:
        A dataset of known cardinality with dynamic shapes.
    """

    def ids(dtype):
        return tf.TensorSpec((None, None), dtype)

    signature = (
        {"source_ids": ids(tf.int32), "target_ids": ids(tf.int32)},
        ids(tf.int32),
        ids(tf.float32),
    )
    dataset = tf.data.Dataset.from_generator(
        lambda: iter(batches), output_signature=signature
    )
    options = tf.data.Options()
    # every replica reads from the one generator
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.OFF
    )
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))
    return dataset.prefetch(tf.data.AUTOTUNE).with_options(options)
