"""Random numbers depend only on seed and sentence, and are uniform."""

import numpy as np
import pytest
from keras import ops

from tf_transformer.decoding.random_numbers import sentence_keys, uniform_numbers

SOURCE_IDS = np.array([[7, 8, 9, 3, 0], [9, 8, 7, 3, 0], [7, 3, 0, 0, 0]])


def reference_mix(bits):
    """MurmurHash3's last step on unsigned numbers of 32 bits."""
    bits = bits ^ (bits >> np.uint32(16))
    bits = bits * np.uint32(0x85EBCA6B)
    bits = bits ^ (bits >> np.uint32(13))
    bits = bits * np.uint32(0xC2B2AE35)
    return bits ^ (bits >> np.uint32(16))


def reference_number(key, row, position):
    stride = np.uint32(round(2**32 / ((1 + 5**0.5) / 2)))
    with np.errstate(over="ignore"):
        bits = reference_mix(np.uint32(key) + np.uint32(row) * stride)
        bits = reference_mix(bits + np.uint32(position) * stride)
    return ((int(bits) >> 10) + 0.5) / 2**22


def numbers(keys, num_rows, position):
    found = uniform_numbers(
        ops.array(keys, "int32"), num_rows, ops.array(position, "int32")
    )
    return ops.convert_to_numpy(found)


def keys(source_ids, seeds):
    return ops.convert_to_numpy(sentence_keys(source_ids, seeds))


def test_mixing_by_hand():
    # the first numbers of the published function, applied to 1 and 2
    assert reference_mix(np.uint32([1, 2])).tolist() == [0x514E28B7, 0x30F4C306]


def test_signed_numbers_do_what_unsigned_ones_would():
    some_keys = [0, 1, -1, 2**31 - 1, -(2**31), 123456789]
    for position in (0, 1, 400):
        found = numbers(some_keys, 3, position)
        expected = [
            [reference_number(key % 2**32, row, position) for row in range(3)]
            for key in some_keys
        ]
        np.testing.assert_array_equal(found, np.array(expected, "float32"))


def test_keys_depend_on_order_and_seed_but_not_on_padding_or_other_rows():
    together = keys(SOURCE_IDS, 5)
    for row, key in zip(SOURCE_IDS, together, strict=True):
        assert keys(row[None, row > 0], 5).tolist() == [key]
        assert keys(np.pad(row[None], ((0, 0), (0, 4))), 5).tolist() == [key]
    assert len({*together.tolist(), *keys(SOURCE_IDS, 6).tolist()}) == 6
    row_keys = keys(np.repeat(SOURCE_IDS[:1], 3, axis=0), np.array([5, 6, 5], "int32"))
    assert row_keys[0] == row_keys[2] == together[0] != row_keys[1]


@pytest.mark.parametrize("apart", ["sentences", "seeds", "rows", "positions"])
def test_numbers_are_uniform_and_not_correlated(apart):
    count = 4000
    if apart == "sentences":
        ids = np.stack([np.arange(count) // 97 + 4, np.arange(count) % 97 + 4], axis=1)
        found = numbers(keys(ids, 1), 1, 0)[:, 0]
    elif apart == "seeds":
        ids = np.repeat(SOURCE_IDS[:1], count, axis=0)
        found = numbers(keys(ids, np.arange(count)), 1, 0)[:, 0]
    elif apart == "rows":
        found = numbers([77], count, 0)[0]
    else:
        found = numbers([77], 1, np.arange(count)[:, None, None])[:, 0, 0]
    assert 0 < found.min() < 0.02
    assert 0.98 < found.max() < 1
    # mean 1/2, variance 1/12, no correlation with neighbours: within 4 deviations
    spread = 4 / len(found) ** 0.5
    assert abs(found.mean() - 0.5) < spread / 12**0.5
    assert abs(found.var() - 1 / 12) < spread / 180**0.5
    for distance in (1, 2, 97):
        pairs = np.corrcoef(found[:-distance], found[distance:])[0, 1]
        assert abs(pairs) < 4 / (len(found) - distance) ** 0.5


def test_the_largest_number_leaves_something_over():
    largest = np.float32((2**22 - 0.5) / 2**22)
    for total in np.float32([1.0, 0.99999994, 1.0000001, 0.3, 1.9999999]):
        assert largest * total < total


def test_each_sentence_has_a_key():
    with pytest.raises(ValueError, match=r"in keys. Expected the shape \(B,\)"):
        uniform_numbers(1, 3, 0)
