"""Attention to a cache that the hypotheses of a sentence share."""

import numpy as np
import pytest
from keras import ops

from tests.backend import BACKEND, in_graph
from tests.reference import attention
from tf_transformer.layers import DecoderBlock, cached_attention
from tf_transformer.layers.attention import (
    MultiHeadAttention,
    scaled_dot_product_attention,
)
from tf_transformer.layers.cache import SHARED, empty_cache
from tf_transformer.layers.cached_attention import (
    BLOCK_SIZE,
    attend_to_cache,
    blockwise_attention,
    may_share_cache,
)

B, K, H, D = 2, 3, 4, 5


def random_cache(length, num_written, seed):
    """Keys, values and ancestors after `num_written` steps of a beam search."""
    random = np.random.default_rng(seed)
    keys, values = random.normal(size=(2, B, H, length * K, D)).astype("float32")
    ancestors = np.full((B, K, length), -1, "int32")
    ancestors[..., :num_written] = random.integers(0, K, (B, K, num_written))
    return keys, values, ancestors.reshape(B * K, length)


def expected_attention(query, keys, values, ancestors):
    """Each hypothesis attends to its own history, taken out of the cache."""
    output = np.zeros_like(query)
    slots = ancestors.reshape(B, K, -1)
    for b, h, k in np.ndindex(B, H, K):
        rows = [place * K + slot for place, slot in enumerate(slots[b, k]) if slot >= 0]
        allowed = np.ones((1, len(rows)), bool)
        arrays = query[b, h, k : k + 1], keys[b, h, rows], values[b, h, rows]
        output[b, h, k] = attention(*arrays, allowed)[0]
    return output


@pytest.mark.parametrize(
    ("length", "num_written"),
    [
        (7, 1),
        (BLOCK_SIZE, BLOCK_SIZE),
        (2 * BLOCK_SIZE + 5, BLOCK_SIZE + 1),
        (2 * BLOCK_SIZE + 5, 2 * BLOCK_SIZE + 5),
    ],
    ids=["one key", "a full block", "two of three blocks", "a shorter last block"],
)
@pytest.mark.parametrize(
    "convert", [lambda function: function, in_graph], ids=["as is", "graph"]
)
def test_blocks_give_the_attention_to_each_history(convert, length, num_written):
    keys, values, ancestors = random_cache(length, num_written, seed=length)
    query = np.random.default_rng(1).normal(size=(B, H, K, D)).astype("float32")
    keys *= 5  # so that the largest score changes between blocks
    arrays = (query, keys, values, ancestors, np.int32(num_written - 1))
    output = convert(blockwise_attention)(*map(ops.convert_to_tensor, arrays))
    expected = expected_attention(*arrays[:4])
    np.testing.assert_allclose(ops.convert_to_numpy(output), expected, atol=2e-5)
    everything = np.where(ancestors < 0, 0, ancestors)
    if num_written < length:
        unmasked = expected_attention(*arrays[:3], everything)
        assert np.abs(unmasked - expected).max() > 0.1


def test_unwritten_blocks_are_not_read():
    keys, values, ancestors = random_cache(4 * BLOCK_SIZE, BLOCK_SIZE, seed=2)
    keys[:, :, BLOCK_SIZE * K :] = values[:, :, BLOCK_SIZE * K :] = np.nan
    query = np.ones((B, H, K, D), "float32")
    output = blockwise_attention(
        *map(ops.convert_to_tensor, (query, keys, values, ancestors)), BLOCK_SIZE - 1
    )
    assert np.isfinite(ops.convert_to_numpy(output)).all()


SURVIVORS = np.array([0, 0, 2, 3, 5, 4])  # rows of B * K hypotheses


def steps(layer, inputs, number, length):
    """Outputs of consecutive steps; hypotheses are reordered between them."""
    keys, _ = layer.keys_and_values(inputs[0])
    cache = empty_cache(B, K, keys, length, may_share_cache(layer))
    outputs = []
    for position in range(number):
        y, cache = attend_to_cache(layer, inputs[position], cache, position)
        outputs.append(y)
        names = [name for name in cache if name not in SHARED]
        own = {name: ops.take(cache[name], SURVIVORS, axis=0) for name in names}
        cache = {**cache, **own}
    return ops.stack(outputs)


class SlopedAttention(MultiHeadAttention):
    """Prefers later keys, by their place: as ALiBi (Press et al. 2022) does."""

    def attend(self, query, keys, values, attention_mask=None, *args, **kwargs):
        places = ops.arange(ops.shape(keys)[2], dtype="float32")
        # the last number of a query is 1, that of a key depends on its place
        keys = ops.concatenate([keys[..., 1:], _column(keys, 9.0 * places)], axis=-1)
        query = self.split_heads(self.query_dense(query))
        query = ops.concatenate([query[..., 1:], ops.ones_like(query[..., :1])], -1)
        mask = None if attention_mask is None else attention_mask[:, None]
        heads, _ = scaled_dot_product_attention(query, keys, values, mask)
        return self.output_dense(self.merge_heads(heads)), None


def _column(keys, places):
    return ops.zeros_like(keys[..., :1]) + places[:, None]


RUNTIMES = {"as is": lambda function: function, "graph": in_graph}
if BACKEND == "tensorflow":
    import tensorflow as tf

    RUNTIMES["XLA"] = tf.function(jit_compile=True)


@pytest.mark.moderate
@pytest.mark.parametrize("kind", [MultiHeadAttention, SlopedAttention])
def test_each_runtime_gives_the_same_steps(kind):
    length = 6
    layer = kind(d_model=H * D, num_heads=H)
    random = np.random.default_rng(3)
    inputs = random.normal(size=(length, B, K, H * D)).astype("float32")
    layer(inputs[0], inputs[0])
    # without a cache: each hypothesis' own inputs, as if it were a sentence
    expected, history = [], np.zeros((B * K, 0, H * D), "float32")
    for x in inputs:
        history = np.concatenate([history, x.reshape(B * K, 1, -1)], axis=1)
        outputs = layer(history[:, -1:], history)
        expected.append(ops.convert_to_numpy(outputs).reshape(x.shape))
        history = history[SURVIVORS]
    for name, convert in RUNTIMES.items():
        found = convert(lambda x: steps(layer, x, length, length + 2))(inputs)
        found = ops.convert_to_numpy(found)
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=name)


def test_a_layer_with_its_own_attend_has_a_row_for_each_hypothesis():
    d_model, length = H * D, 6
    arguments = {"d_model": d_model, "num_heads": H, "d_ff": 7}
    block = DecoderBlock(**arguments, attention=SlopedAttention)
    block.build((None, None, d_model))
    _, cache = block.start(ops.ones((B, 5, d_model)), length, beam_size=K)
    assert set(cache) == {"keys", "values"}
    assert {x.shape for x in cache.values()} == {(B * K, H, length, D)}


@pytest.mark.skipif(BACKEND != "tensorflow", reason="about TensorFlow's compiler")
def test_a_program_of_tensorflow_reads_blocks(monkeypatch):
    import tensorflow as tf

    calls = []

    def counted(*args):
        calls.append(args)
        return blockwise_attention(*args)

    monkeypatch.setattr(cached_attention, "blockwise_attention", counted)
    layer = MultiHeadAttention(d_model=H * D, num_heads=H)
    inputs = np.ones((2, B, K, H * D), "float32")
    for jit_compile, number in ((False, 0), (True, 2)):
        calls.clear()
        function = tf.function(lambda x: steps(layer, x, 2, 4), jit_compile=jit_compile)
        function.get_concrete_function(inputs)
        assert len(calls) == number
