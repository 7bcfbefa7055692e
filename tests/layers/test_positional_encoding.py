import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests import reference
from tests.backend import BACKEND, variable_gradients
from tests.layer_contract import assert_layer_contract
from tf_transformer.layers.positional_encoding import (
    PositionalEncoding,
    sinusoidal_positions,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors.json").read_text())


@pytest.mark.parametrize("learned", [False, True])
def test_keeps_the_layer_contract(learned):
    assert_layer_contract(
        PositionalEncoding,
        {"max_length": 11, "learned": learned},
        {"inputs": (2, 7, 12)},
        (2, 7, 12),
        num_weights=int(learned),
    )


def test_equals_a_loop_of_the_papers_formula():
    expected = reference.positional_encoding(31, 12)
    np.testing.assert_allclose(sinusoidal_positions(31, 12), expected, atol=1e-12)


@pytest.mark.parametrize(
    "row", VECTORS["positional_encoding"]["rows"], ids=lambda row: str(row["values"][0])
)
def test_equals_published_rows(row):
    table = sinusoidal_positions(row["position"] + 1, row["d_model"])
    np.testing.assert_allclose(
        table[row["position"]], row["values"], atol=row["tolerance"]
    )


def test_first_position_is_zero_one_zero_one():
    encoding = PositionalEncoding(max_length=9)(np.zeros((1, 3, 12), "float32"))
    assert np.array(encoding)[0, 0].tolist() == [0.0, 1.0] * 6


@pytest.mark.parametrize("distance", [1, 5, 16])
def test_a_later_position_is_a_rotation_of_an_earlier_one(distance):
    d_model = 12
    table = sinusoidal_positions(40, d_model)
    rotation = np.zeros((d_model, d_model))
    for i in range(0, d_model, 2):
        angle = distance / 10000 ** (i / d_model)
        cosine, sine = np.cos(angle), np.sin(angle)
        rotation[i : i + 2, i : i + 2] = [[cosine, sine], [-sine, cosine]]
    for position in (0, 1, 17):
        rotated = rotation @ table[position]
        np.testing.assert_allclose(rotated, table[position + distance], atol=1e-9)


def test_is_added_to_the_vectors():
    vectors = np.random.default_rng(1).normal(size=(2, 7, 12)).astype("float32")
    output = PositionalEncoding(max_length=7)(vectors)
    expected = vectors + reference.positional_encoding(7, 12)
    np.testing.assert_allclose(output, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "unit"), [("bfloat16", 2.0**-8), ("float16", 2.0**-11)]
)
def test_far_positions_stay_apart_in_low_precision(dtype, unit):
    layer = PositionalEncoding(max_length=512, dtype=f"mixed_{dtype}")
    zeros = ops.zeros((1, 512, 64), dtype)
    rows = np.array(ops.cast(layer(zeros), "float32"))[0]
    exact = reference.positional_encoding(512, 64)
    # half a unit in the last place of the sum, and the float32 table's own rounding
    assert np.all(np.abs(rows - exact) <= unit * np.abs(exact) + 1e-6)
    assert np.abs(rows[300] - rows[301]).max() > 0.1
    assert len(np.unique(rows, axis=0)) == 512


@pytest.mark.parametrize(
    ("dtype", "unit"), [("bfloat16", 2.0**-8), ("float16", 2.0**-11)]
)
def test_sum_is_rounded_once(dtype, unit):
    layer = PositionalEncoding(max_length=512, dtype=f"mixed_{dtype}")
    vectors = ops.cast(keras.random.normal((1, 512, 64)), dtype)
    rows = np.array(ops.cast(layer(vectors), "float32"))[0]
    exact = np.array(ops.cast(vectors, "float32"))[0]
    exact = exact + reference.positional_encoding(512, 64)
    assert np.all(np.abs(rows - exact) <= unit * np.abs(exact) + 1e-6)


def test_learned_table_is_read_by_position_and_trained():
    layer = PositionalEncoding(max_length=9, learned=True)
    layer.build((None, None, 4))
    numbers = np.arange(36.0).reshape(9, 4)
    layer.table.assign(numbers)
    zeros = np.zeros((2, 3, 4), "float32")
    assert np.array(layer(zeros))[1].tolist() == numbers[:3].tolist()
    (gradient,) = variable_gradients(lambda: ops.sum(layer(zeros)), [layer.table])
    assert gradient.tolist() == [[2.0] * 4] * 3 + [[0.0] * 4] * 6


def test_learned_table_starts_as_wide_as_the_embedding():
    layer = PositionalEncoding(max_length=700, learned=True)
    layer.build((None, None, 64))
    assert np.std(layer.table.numpy()) == pytest.approx(64**-0.5, rel=0.02)


@pytest.mark.parametrize("position", [0, 1, 6])
@pytest.mark.parametrize("learned", [False, True])
def test_one_token_at_a_position_equals_the_sentences_row(position, learned):
    vectors = np.random.default_rng(1).normal(size=(2, 7, 12)).astype("float32")
    layer = PositionalEncoding(max_length=7, learned=learned)
    sentence = layer(vectors)
    one = layer(
        vectors[:, position : position + 1],
        position=ops.convert_to_tensor(position),
    )
    np.testing.assert_array_equal(one[:, 0], sentence[:, position])


def test_too_long_a_sentence_is_an_error_that_names_the_limit():
    layer = PositionalEncoding(max_length=6)
    with pytest.raises(ValueError, match=r"max_length=6 tokens.*length=7"):
        layer(np.zeros((2, 7, 12), "float32"))


def test_a_table_without_rows_is_an_error():
    with pytest.raises(ValueError, match="at least 1. Received: max_length=0"):
        PositionalEncoding(max_length=0)


def test_odd_width_is_an_error():
    with pytest.raises(ValueError, match="must be even. Received: d_model=5"):
        sinusoidal_positions(3, 5)


def test_float32_table_is_rounded_from_float64_not_computed_in_it():
    layer = PositionalEncoding(max_length=5000)
    far = np.array(layer(np.zeros((1, 5000, 12), "float32")))[0]
    exact = reference.positional_encoding(5000, 12)
    assert np.abs(far - exact).max() <= 2.0**-24
    assert keras.config.floatx() == "float32"


@pytest.mark.skipif(BACKEND != "tensorflow", reason="compiles with XLA")
def test_a_position_beyond_the_table_is_nan_in_a_compiled_step():
    import tensorflow as tf

    layer = PositionalEncoding(max_length=4)
    vectors = np.zeros((2, 1, 12), "float32")
    layer.build(vectors.shape)
    step = tf.function(lambda position: layer(vectors, position), jit_compile=True)
    assert np.isfinite(step(tf.constant(3))).all()
    assert np.isnan(step(tf.constant(4))).all()


@pytest.mark.parametrize("position", [np.arange(5), [3, 4], [[1]]])
def test_the_position_is_one_number(position):
    layer = PositionalEncoding(max_length=20)
    with pytest.raises(ValueError, match=r"Expected a scalar\. Received: position of"):
        layer(np.zeros((2, 5, 12), "float32"), position=position)


def test_an_input_with_two_lengths_is_refused():
    with pytest.raises(ValueError, match=r"Received: shape=\(2, 4, 5, 12\)"):
        PositionalEncoding(max_length=20)(np.zeros((2, 4, 5, 12), "float32"))
