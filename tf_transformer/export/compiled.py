"""The search compiled by XLA, with one program for each input size."""

import tensorflow as tf

from tf_transformer.ids import PAD_ID
from tf_transformer.inference.search import search
from tf_transformer.inference.settings import SearchSettings

SHORTEST_LENGTH = 8
BATCH_SIZES = [2**i for i in range(24)]


def compiled_search(model, settings: SearchSettings):
    """`search` inside one XLA program, for graphs that call it with any shape.

    XLA compiles once per shape, so ids are padded to one of a few lengths
    (`length_sizes`) and the batch to a power of two. Rows of padding are empty
    sentences, which end at once; their results are dropped.

    Args:
        model: A `SequenceModel`.
        settings: The settings of the search.

    Returns:
        Function of ids, int32 `(B, S)` with S up to the model's `max_length`. It
        returns the result of `search`; `"token_ids"` may end in more padding.
    """

    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int32, name="source_ids")],
        autograph=False,
        jit_compile=True,
    )
    def program(source_ids):
        return search(model, source_ids, settings)

    lengths = length_sizes(model.max_length)

    def padded_search(source_ids):
        batch_size, length = tf.unstack(tf.shape(source_ids))
        rows = next_size(BATCH_SIZES, batch_size) - batch_size
        columns = next_size(lengths, length) - length
        padding = [[0, rows], [0, columns]]
        outputs = program(tf.pad(source_ids, padding, constant_values=PAD_ID))
        return {name: tensor[:batch_size] for name, tensor in outputs.items()}

    return padded_search


def length_sizes(max_length: int) -> list[int]:
    """Lengths to which sources are padded: two per octave, up to `max_length`.

    Example:

    >>> length_sizes(100)
    [8, 16, 24, 32, 48, 64, 96, 100]
    """
    octaves = [2**i for i in range(4, max_length.bit_length())]
    sizes = [SHORTEST_LENGTH, *(size for n in octaves for size in (n, n + n // 2))]
    return [*(size for size in sizes if size < max_length), max_length]


def next_size(sizes: list[int], number):
    """Returns the smallest of the ascending `sizes` that is at least `number`."""
    num_smaller = tf.reduce_sum(tf.cast(tf.constant(sizes) < number, tf.int32))
    return tf.gather(sizes, num_smaller)
