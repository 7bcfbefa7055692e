"""Random numbers that depend only on a seed and a sentence."""

from keras import ops

from tf_transformer.decoding.constraints import one_for_each_sentence
from tf_transformer.ids import PAD_ID

_STRIDE = -1640531527  # 2^32 / golden ratio: spreads consecutive integers


def sentence_keys(source_ids, seeds):
    """A random seed for each sentence.

    It does not depend on padding or on the rest of the batch: the same sentence and
    seed always give the same key.

    Args:
        source_ids: Integer tensor `(B, S)`.
        seeds: Integer, or int32 tensor `(B,)`.

    Returns:
        int32 tensor `(B,)`.
    """
    source_ids = ops.cast(source_ids, "int32")
    positions = ops.arange(ops.shape(source_ids)[1], dtype="int32") + 1
    positions = _mix(positions * _STRIDE)
    hashes = _mix(source_ids + positions)
    hashes = ops.where(ops.equal(source_ids, PAD_ID), 0, hashes)
    seeds = ops.cast(seeds, "int32") * _STRIDE
    return _mix(ops.cast(ops.sum(hashes, axis=1), "int32") + seeds)


def uniform_numbers(keys, num_rows, position):
    """Independent uniform random numbers, one for every key, row and position.

    Args:
        keys: int32 tensor `(B,)`.
        num_rows: Integer N.
        position: Integer scalar tensor.

    Returns:
        float32 tensor `(B, N)`, strictly between 0 and 1.

    Raises:
        ValueError: If the keys have another shape.
    """
    keys = one_for_each_sentence(keys, "keys")
    bits = _mix(keys[:, None] + ops.arange(num_rows, dtype="int32") * _STRIDE)
    bits = _mix(bits + position * _STRIDE)
    # 22 bits: in float32 the largest, 1 - 2^-23, times any x is still less than x
    return (ops.cast(_shift(bits, 10), "float32") + 0.5) / 2**22


def _mix(bits):
    """Spreads each bit over all 32 bits: the last step of MurmurHash3.

    Products are taken modulo 2^32, as int32 does on every backend.
    """
    for shift, factor in ((16, -2048144789), (13, -1028477387)):
        bits = ops.bitwise_xor(bits, _shift(bits, shift)) * factor
    return ops.bitwise_xor(bits, _shift(bits, 16))


def _shift(bits, shift):
    # shifting a negative number inserts ones, which are masked out
    return ops.bitwise_and(ops.right_shift(bits, shift), 2 ** (32 - shift) - 1)
