"""The decoder's cache contains the keys and values of the positions so far."""

import numpy as np
import pytest
from keras import ops

from tests.backend import BACKEND, in_graph
from tf_transformer.layers.cache import (
    GROWING,
    SEPARATE,
    SHARED,
    ancestors_mask,
    empty_cache,
    extended_cache,
    is_shared,
    joined_caches,
    separate_caches,
    written_cache,
)

RANDOM = np.random.default_rng(31)
B, K, H, L, D = 2, 4, 3, 5, 6
KEYS, VALUES = RANDOM.normal(size=(2, L, B, H, K, D)).astype("float32")


def in_full_length(vectors, number):
    """The first `number` positions of `vectors`, and zeros."""
    full = np.concatenate(vectors, axis=2)
    full[:, :, number * K :] = 0
    return full


@pytest.mark.parametrize(
    "convert", [lambda step: step, in_graph], ids=["as is", "graph"]
)
def test_positions_are_written_one_by_one_and_the_old_cache_stays(convert):
    cache = empty_cache(B, K, ops.array(KEYS[0]), L)
    assert tuple(cache) == (*SHARED, "ancestors") and is_shared(cache)
    write = convert(written_cache)
    for position in range(L):
        new = [ops.array(vectors[position]) for vectors in (KEYS, VALUES)]
        old, cache = cache, write(cache, *new, ops.array(position, dtype="int32"))
        for name, vectors in zip(SHARED, (KEYS, VALUES), strict=True):
            for found, number in ((cache, position + 1), (old, position)):
                np.testing.assert_array_equal(
                    ops.convert_to_numpy(found[name]), in_full_length(vectors, number)
                )
        for found, number in ((cache, position + 1), (old, position)):
            slots = np.tile(np.arange(K)[:, None], [B, L])
            slots[:, number:] = -1
            np.testing.assert_array_equal(found["ancestors"], slots)


def test_a_mask_hides_what_another_hypothesis_or_nobody_has_written():
    ancestors = RANDOM.integers(-1, K, size=(B * K, L)).astype("int32")
    mask = ops.convert_to_numpy(ancestors_mask(ops.array(ancestors), B, K))
    assert mask.shape == (B, K, L * K)
    for row, slots in zip(mask.reshape(B * K, L, K), ancestors, strict=True):
        for of_position, slot in zip(row, slots, strict=True):
            assert np.flatnonzero(of_position).tolist() == ([] if slot < 0 else [slot])


def test_separate_caches_can_be_joined():
    caches = {
        "first": empty_cache(B, K, ops.array(KEYS[0]), L),
        "second": {"state": ops.zeros((B * K, D))},
    }
    shared, own = separate_caches(caches)
    assert {block: tuple(cache) for block, cache in shared.items()} == {
        "first": SHARED,
        "second": (),
    }
    assert {block: tuple(cache) for block, cache in own.items()} == {
        "first": ("ancestors",),
        "second": ("state",),
    }
    joined = joined_caches(shared, own)
    assert [tuple(cache) for cache in joined.values()] == [
        tuple(cache) for cache in caches.values()
    ]
    assert joined["first"]["shared_values"] is caches["first"]["shared_values"]


def test_a_separate_cache_has_a_row_for_each_hypothesis():
    cache = empty_cache(B, K, ops.array(KEYS[0]), L, may_share=False)
    assert tuple(cache) == SEPARATE and not is_shared(cache)
    rows = [[x.reshape(B * K, H, 1, D) for x in side] for side in (KEYS, VALUES)]
    for position in range(3):
        cache, mask = extended_cache(
            cache, *(ops.array(side[position]) for side in rows), position
        )
        written = [[[place <= position for place in range(L)]]]
        assert ops.convert_to_numpy(mask).tolist() == written
    for name, side in zip(SEPARATE, rows, strict=True):
        expected = np.concatenate(side, axis=2)
        expected[:, :, 3:] = 0
        np.testing.assert_array_equal(cache[name], expected)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="about TensorFlow's graphs")
@pytest.mark.parametrize("is_compiled", [False, True])
def test_only_the_cache_of_a_plain_graph_grows(is_compiled):
    import tensorflow as tf

    @tf.function(jit_compile=is_compiled)
    def written(all_keys, all_values):
        cache = empty_cache(B, K, all_keys[0], L)
        assert is_shared(cache) is is_compiled

        def write(position, cache):
            new = all_keys[position], all_values[position]
            if is_compiled:
                return position + 1, written_cache(cache, *new, position)
            new = (tf.reshape(x, [-1, H, 1, D]) for x in new)  # a row per hypothesis
            cache, mask = extended_cache(cache, *new, position)
            assert mask is None
            return position + 1, cache

        _, cache = tf.while_loop(lambda i, _: i < 3, write, (0, cache))
        return cache

    cache = written(KEYS, VALUES)
    for name, vectors in zip(
        SHARED if is_compiled else GROWING, (KEYS, VALUES), strict=True
    ):
        expected = in_full_length(vectors, 3)
        if not is_compiled:
            rows = [x.reshape(B * K, H, 1, D) for x in vectors[:3]]
            expected = np.concatenate(rows, axis=2)
        np.testing.assert_array_equal(cache[name], expected)
