"""Token ids are never cast to the compute dtype, and wrong ones are errors."""

import re

import keras
import numpy as np
import pytest
from keras import ops

from tf_transformer.layers import PositionalEncoding, SSRUDecoder, TokenEmbedding
from tf_transformer.layers.token_ids import check_token_ids
from tf_transformer.models import RecurrentSeq2Seq, Transformer

POLICIES = pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
VOCAB = 3001
SOURCE = np.array([[257, 2049, 2051, 3000, 3]])
TARGET = np.array([[2, 259, 2999]])


def numbers(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


def transformer(**arguments):
    sizes = {"num_layers": 1, "d_model": 12, "num_heads": 3, "d_ff": 17}
    return Transformer(VOCAB, **sizes, max_length=9, **arguments)


def recurrent(**arguments):
    return RecurrentSeq2Seq(VOCAB, d_model=12, max_length=9, **arguments)


def as_marian(**arguments):
    """The decoder begins with the zero vector, whatever the first id is."""
    options = {"start_id": None, "decoder": SSRUDecoder, "positions": "marian"}
    return transformer(**options, **arguments)


MODELS = pytest.mark.parametrize("make", [transformer, as_marian, recurrent])


def inputs(dtype="int32"):
    return {"source_ids": SOURCE.astype(dtype), "target_ids": TARGET.astype(dtype)}


@POLICIES
def test_float_ids_are_exact_in_low_precision(policy):
    embedding = TokenEmbedding(vocab_size=VOCAB, d_model=12, dtype=policy)
    expected = numbers(embedding(SOURCE))
    np.testing.assert_array_equal(
        numbers(embedding(SOURCE.astype("float32"))), expected
    )
    ids = keras.Input((None,))
    model = keras.Model(ids, embedding(ids))
    np.testing.assert_array_equal(numbers(model(SOURCE)), expected)
    assert len(np.unique(expected, axis=1)[0]) == 5  # neighbours stay distinct


@pytest.mark.long
@POLICIES
@MODELS
def test_a_model_reads_float_ids_exactly(make, policy):
    model = make(dtype=policy)
    expected = numbers(model(inputs()))
    np.testing.assert_array_equal(numbers(model(inputs("float32"))), expected)
    symbols = {name: keras.Input((None,), name=name) for name in inputs()}
    functional = keras.Model(symbols, model(symbols))
    np.testing.assert_allclose(numbers(functional(inputs())), expected, atol=1e-6)
    encoded = model.encode(symbols["source_ids"])
    functional = keras.Model(symbols, model.decode(symbols["target_ids"], encoded))
    np.testing.assert_allclose(numbers(functional(inputs())), expected, atol=1e-6)


@MODELS
@pytest.mark.parametrize(
    "jit_compile", [False, pytest.param(True, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("side", ["source_ids", "target_ids"])
def test_a_long_sentence_is_an_error_that_names_the_limit(make, jit_compile, side):
    model = make()
    long = {**inputs(), side: np.ones((1, 10), "int32")}
    with pytest.raises(ValueError, match=rf"max_length=9 tokens in {side}.*length=10"):
        model(long)
    model.compile(loss="mse", jit_compile=jit_compile)
    with pytest.raises(ValueError, match="max_length=9"):
        model.train_on_batch(long, np.ones((1, long["target_ids"].shape[1], VOCAB)))


@MODELS
@pytest.mark.parametrize("side", ["source_ids", "target_ids"])
@pytest.mark.parametrize("wrong", [-1, VOCAB])
def test_an_id_outside_the_vocabulary_is_an_error(make, side, wrong):
    ids = inputs()[side].copy()
    ids[0, 1] = wrong
    message = rf"{side}.*vocab_size={VOCAB}.*Received: {wrong}"
    with pytest.raises(ValueError, match=message):
        make()({**inputs(), side: ids})


@pytest.mark.needs_tensorflow
@pytest.mark.parametrize("wrong", [-1, VOCAB])
def test_an_id_outside_the_vocabulary_gives_nan_in_compiled_functions(wrong):
    import tensorflow as tf

    embedding = TokenEmbedding(vocab_size=VOCAB, d_model=12)
    compiled = tf.function(embedding, jit_compile=True)
    vectors = numbers(compiled(tf.constant([[5, wrong, 7]])))
    assert np.isnan(vectors[0, 1]).all()
    assert np.isfinite(vectors[0, [0, 2]]).all()


@pytest.mark.needs_tensorflow
def test_positions_beyond_the_table_give_nan_in_compiled_functions():
    import tensorflow as tf

    layer = PositionalEncoding(max_length=4)
    layer.build((None, None, 12))
    spec = [tf.TensorSpec([None, None, 12])]
    compiled = tf.function(layer, input_signature=spec, jit_compile=True)
    rows = numbers(compiled(tf.zeros((1, 6, 12))))[0]
    assert np.isfinite(rows[:4]).all() and np.isnan(rows[4:]).all()


@MODELS
@pytest.mark.parametrize("side", ["source_ids", "target_ids"])
def test_ids_of_another_rank_are_an_error_that_names_the_shape(make, side):
    with pytest.raises(ValueError, match=rf"{side} must have.*shape=\(3,\)"):
        make()({**inputs(), side: np.array([5, 9, 3])})


@pytest.mark.filterwarnings("ignore:Data type alias")  # of JAX
def test_strings_are_an_error_that_names_the_tokenizer():
    for values in ([["a", "b"]], np.array([["a", "b"]])):
        with pytest.raises(ValueError, match="tokenizer.*Received: dtype"):
            check_token_ids(values, "source_ids")
        with pytest.raises(ValueError, match="tokenizer"):
            transformer().encode(values)


@pytest.mark.parametrize("wrong", [2**32 + 5, -(2**32) + 5, 5.25, np.nan])
def test_an_id_that_a_cast_would_change_is_an_error(wrong):
    with pytest.raises(ValueError, match=f"Received: {re.escape(str(wrong))}"):
        check_token_ids(np.array([[7, wrong, 3]]), "source_ids", vocab_size=VOCAB)


@pytest.mark.needs_tensorflow
def test_ragged_ids_are_refused():
    import tensorflow as tf

    ids = tf.ragged.constant([[5, 7, 3], [9, 3]])
    with pytest.raises(ValueError, match=r"source_ids .*`ids.to_tensor\(\)`"):
        transformer()({"source_ids": ids, "target_ids": ids})
    with pytest.raises(ValueError, match="Received: a ragged tensor"):
        TokenEmbedding(vocab_size=VOCAB, d_model=12)(ids)
