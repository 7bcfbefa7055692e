"""The decoder's cache contains the keys and values of the positions so far."""

import numpy as np
import pytest
from keras import ops

from tests.backend import BACKEND, in_graph
from tf_transformer.layers.cache import (
    FULL_LENGTH,
    GROWING,
    cached,
    empty_cache,
    extended_cache,
)

RANDOM = np.random.default_rng(31)
B, H, L, D = 2, 3, 5, 4
KEYS, VALUES = RANDOM.normal(size=(2, L, B, H, 1, D)).astype("float32")


def in_full_length(vectors, number):
    """The first `number` positions of `vectors`, and zeros."""
    full = np.concatenate(vectors, axis=2)
    full[:, :, number:] = 0
    return full


@pytest.mark.parametrize(
    "convert", [lambda step: step, in_graph], ids=["as is", "graph"]
)
def test_positions_are_written_one_by_one_and_the_old_cache_stays(convert):
    cache = empty_cache(B, ops.array(KEYS[0]), L)
    assert tuple(cache) == FULL_LENGTH
    extend = convert(extended_cache)
    for position in range(L):
        new = [ops.array(vectors[position]) for vectors in (KEYS, VALUES)]
        old, cache = cache, extend(cache, *new, ops.array(position, dtype="int32"))
        for name, vectors in zip(FULL_LENGTH, (KEYS, VALUES), strict=True):
            for found, number in ((cache, position + 1), (old, position)):
                np.testing.assert_array_equal(
                    ops.convert_to_numpy(found[name]), in_full_length(vectors, number)
                )
        keys, values, mask = cached(cache, position)
        assert keys is cache["keys"] and values is cache["values"]
        assert ops.convert_to_numpy(mask).tolist() == [
            [[place <= position for place in range(L)]]
        ]


@pytest.mark.skipif(BACKEND != "tensorflow", reason="about TensorFlow's graphs")
@pytest.mark.parametrize("is_compiled", [False, True])
def test_only_the_cache_of_a_plain_graph_grows(is_compiled):
    import tensorflow as tf

    kinds = []

    @tf.function(jit_compile=is_compiled)
    def written(all_keys, all_values):
        cache = empty_cache(B, all_keys[0], L)
        kinds.append(tuple(cache))

        def write(position, cache):
            new = all_keys[position], all_values[position]
            return position + 1, extended_cache(cache, *new, position)

        _, cache = tf.while_loop(lambda i, _: i < 3, write, (0, cache))
        keys, values, mask = cached(cache, 2)
        return keys, values, mask is None

    keys, values, reads_all = written(KEYS, VALUES)
    assert kinds == [FULL_LENGTH if is_compiled else GROWING]
    assert bool(reads_all) is not is_compiled
    length = L if is_compiled else 3
    for found, vectors in ((keys, KEYS), (values, VALUES)):
        expected = in_full_length(vectors, 3)[:, :, :length]
        np.testing.assert_array_equal(found, expected)
