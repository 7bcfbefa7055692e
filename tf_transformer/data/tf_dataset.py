"""The batches as a `tf.data.Dataset`, for the TensorFlow backend."""

from collections.abc import Callable, Iterable, Iterator

import tensorflow as tf

from tf_transformer.data.batching import EpochBatches
from tf_transformer.data.update_weights import mark_update
from tf_transformer.data.window import Batch

PREFETCHED = 8  # batches


def tf_dataset(batches: EpochBatches) -> tf.data.Dataset:
    """Feeds `Batches` to `model.fit` on TensorFlow.

    Each iteration yields the batches of the epoch `batches.epoch`, and does not change
    it. `fit` of a `SequenceModel` adds 1 at the end of each epoch; with another model,
    pass the callback `tf_transformer.data.NextEpoch`.

    Call it inside the scope of a `tf.distribute` strategy with several replicas:
    rows of padding then complete each batch to a multiple of their number. Keras
    cannot build a model if the replicas have different numbers of rows: with a dataset
    made outside the scope and an uneven first batch, it raises an
    `InvalidArgumentError` that names `AddN`.

    Args:
        batches: The `Batches` or `StreamedBatches`. Set `batches.epoch` to resume.

    Returns:
        A `tf.data.Dataset` whose elements are
        `({"source_ids": (B, S), "target_ids": (B, T)}, labels (B, T), weights (B, T))`
        with B, S and T unknown; with `gradient_accumulation_steps` > 1 the weights are
        `UpdateWeights`. Its cardinality is known; `StreamedBatches` are counted
        in a separate pass. It is not sharded by file or data. Its attribute
        `batches` is the argument.

    Example:

    >>> from tf_transformer.data.batching import Batches
    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> pairs = [("a cat sat", "고양이가 앉았다"), ("a dog ran", "개가 달렸다")]
    >>> batches = Batches(pairs, Tokenizer.train(pairs, vocab_size=320))
    >>> dataset = tf_dataset(batches)
    >>> [labels.dtype for inputs, labels, weights in dataset], batches.epoch
    ([tf.int32], 0)
    """

    def generate() -> Iterator[Batch]:
        for batch in batches.elements(batches.epoch):
            yield mark_update(batch, steps)

    steps = batches.gradient_accumulation_steps
    dataset = generated_dataset(generate, steps, batches.count())
    dataset.batches = batches  # for `fit` of a `SequenceModel`
    return dataset


def generated_dataset(
    generate: Callable[[], Iterable[Batch]], steps: int, num_batches: int | None = None
) -> tf.data.Dataset:
    """The batches of a generator, with rows of padding for several replicas.

    Args:
        generate: Function without arguments that returns the batches.
        steps: `gradient_accumulation_steps` of the batches.
        num_batches: Their number. Defaults to unknown, such as for endless batches.
    """

    def fill_up(rows):
        return tf.pad(rows, [[0, -tf.shape(rows)[0] % num_replicas], [0, 0]])

    num_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    ids = tf.TensorSpec((None, None), tf.int32)
    weights = tf.TensorSpec((None, None), tf.float32)
    batch = mark_update(({"source_ids": ids, "target_ids": ids}, ids, weights), steps)
    dataset = tf.data.Dataset.from_generator(generate, output_signature=batch)
    # If the number of batches is unknown, Keras takes an extra step to find the end,
    # which the optimizer counts: later updates would start at other batches.
    if num_batches is not None:
        cardinality = tf.data.experimental.assert_cardinality(num_batches)
        dataset = dataset.apply(cardinality)
    if num_replicas > 1:
        dataset = dataset.map(lambda *batch: tf.nest.map_structure(fill_up, batch))
    dataset = dataset.prefetch(PREFETCHED)
    options = tf.data.Options()
    # With autotuning, deleting an iterator can wait for its thread (TensorFlow 2.21):
    # for up to a minute at the end of an epoch.
    options.autotune.enabled = False
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.OFF
    )
    return dataset.with_options(options)
