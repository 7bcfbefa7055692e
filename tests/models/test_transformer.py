import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests import reference
from tests.backend import dtype_of, variable_gradients
from tests.models.small_model import (
    INPUTS,
    NUM_HEADS,
    SOURCE,
    TARGET,
    make_model,
    numbers,
    shared_model,
)
from tf_transformer.layers import Decoder, SSRUDecoder
from tf_transformer.models import PRESETS, RecurrentSeq2Seq, Transformer

VECTORS = json.loads((Path(__file__).parents[1] / "vectors.json").read_text())


@pytest.mark.parametrize("target_vocab_size", [None, 29], ids=["shared", "separate"])
@pytest.mark.parametrize(
    "normalize_first", [False, True], ids=["post-norm", "pre-norm"]
)
def test_equals_the_paper(normalize_first, target_vocab_size):
    model = shared_model(normalize_first, target_vocab_size)
    logits = numbers(model(INPUTS))
    assert logits.shape == (2, 5, target_vocab_size or 23)
    expected = reference.logits(
        reference.weights_of(model), SOURCE, TARGET, NUM_HEADS, normalize_first
    )
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


def test_call_is_decode_of_encode():
    model = shared_model()
    encoded = model.encode(SOURCE)
    assert set(encoded) == {"states", "padding_mask"}
    assert encoded["states"].shape == (2, 7, 12)
    np.testing.assert_array_equal(encoded["padding_mask"], SOURCE != 0)
    np.testing.assert_array_equal(model.decode(TARGET, encoded), model(INPUTS))


@pytest.mark.moderate
def test_sides_are_identified_by_name_not_by_order():
    model = shared_model(target_vocab_size=29)
    turned = {"target_ids": TARGET, "source_ids": SOURCE}
    np.testing.assert_array_equal(model(turned), model(INPUTS))
    turned_predict = model.predict(turned, verbose=0)
    np.testing.assert_allclose(turned_predict, model(INPUTS), atol=1e-5)
    exchanged = model({"source_ids": TARGET, "target_ids": SOURCE})
    assert exchanged.shape == (2, 7, 29)


@pytest.mark.parametrize(
    ("inputs", "received"),
    [
        ((SOURCE, TARGET), "tuple"),
        ({"source_ids": SOURCE, "labels": TARGET}, r"\['labels', 'source_ids'\]"),
    ],
)
def test_other_inputs_are_an_error_that_names_the_keys(inputs, received):
    with pytest.raises(ValueError, match=f"target_ids.*Received: {received}"):
        shared_model()(inputs)


@pytest.mark.long
@pytest.mark.needs_tensorflow
def test_graph_of_unknown_batch_and_length_gives_the_same_logits():
    import tensorflow as tf

    model = shared_model()
    ids = tf.TensorSpec([None, None], tf.int32)

    @tf.function(input_signature=[{"source_ids": ids, "target_ids": ids}])
    def function(inputs):
        return model(inputs)

    tensors = {name: tf.constant(value) for name, value in INPUTS.items()}
    np.testing.assert_allclose(function(tensors), model(INPUTS), atol=1e-5)
    one = {name: value[:1, :3] for name, value in tensors.items()}
    np.testing.assert_allclose(function(one), model(one), atol=1e-5)
    assert function.experimental_get_tracing_count() == 1


@pytest.mark.moderate
def test_symbolic_logits_have_the_shape_and_dtype_of_real_ones():
    for dtype in ("float32", "mixed_bfloat16"):
        model = shared_model(target_vocab_size=29, dtype=dtype)
        symbols = {
            "source_ids": keras.KerasTensor((None, 7), "int32"),
            "target_ids": keras.KerasTensor((None, 5), "int32"),
        }
        symbol, real = model(symbols), model(INPUTS)
        assert symbol.shape == (None, *real.shape[1:])
        assert symbol.dtype == dtype_of(real) == "float32"


@pytest.mark.long
def test_one_table_serves_source_target_and_logits():
    model = shared_model()
    with_table = [w.path for w in model.weights if "embedding" in w.path]
    assert with_table == [f"{model.name}/embedding/matrix/embeddings"]
    inputs = {"source_ids": np.array([[5, 9]]), "target_ids": np.array([[2, 7]])}
    (gradient,) = variable_gradients(
        lambda: model(inputs)[0, 1, 13], [model.source_embedding.table]
    )
    moved = np.abs(gradient).max(axis=1) > 0
    # two source tokens, two target tokens, one logit
    assert np.flatnonzero(moved).tolist() == [2, 5, 7, 9, 13]


def test_separate_tables_are_used_for_their_own_side():
    model = shared_model(target_vocab_size=29)
    inputs = {"source_ids": np.array([[5, 9]]), "target_ids": np.array([[2, 28]])}
    tables = [model.source_embedding.table, model.target_embedding.table]
    gradients = variable_gradients(lambda: model(inputs)[0, 1, 13], tables)
    source, target = (np.abs(gradient).max(axis=1) for gradient in gradients)
    assert np.flatnonzero(source).tolist() == [5, 9]
    assert np.flatnonzero(target).tolist() == [2, 13, 28]


@pytest.mark.parametrize("side", ["source_ids", "target_ids"])
def test_sentence_longer_than_the_model_is_an_error_that_names_the_limit(side):
    model = shared_model()
    longest = {**INPUTS, side: np.ones((2, 19), "int32")}
    assert np.all(np.isfinite(model(longest)))
    too_long = {**INPUTS, side: np.ones((2, 20), "int32")}
    with pytest.raises(ValueError, match="max_length=19 tokens"):
        model(too_long)


def dropouts(model):
    """path -> rate of each Dropout in the tree, attention's apart."""
    found = {"weights": [], "outputs": []}
    for layer in model._flatten_layers():
        for child in getattr(layer, "_layers", []):
            if isinstance(child, keras.layers.Dropout):
                is_attention = type(layer).__name__ == "MultiHeadAttention"
                found["weights" if is_attention else "outputs"].append(child)
    return found


def test_every_dropout_has_the_configured_rate():
    rates = {"dropout_rate": 0.31, "attention_dropout_rate": 0.17}
    found = dropouts(make_model(**rates, word_dropout_rate=0.23))
    # words; embeddings; 2 sub-layers of 2 encoder blocks, 3 of 2 decoder blocks
    outputs = [0.23] + [0.31] * (1 + 2 * 2 + 2 * 3)
    assert [layer.rate for layer in found["outputs"]] == outputs
    assert [layer.rate for layer in found["weights"]] == [0.17] * (2 + 2 * 2)


@pytest.mark.long
def test_each_dropout_alone_makes_training_random():
    rates = {"dropout_rate": 0.5, "attention_dropout_rate": 0.5}
    model = make_model(**rates, word_dropout_rate=0.5)
    layers = [layer for kind in dropouts(model).values() for layer in kind]
    assert len(layers) == 18
    for layer in layers:
        layer.rate = 0.0
    calm = numbers(model(INPUTS, training=False))
    np.testing.assert_allclose(model(INPUTS, training=True), calm, atol=1e-5)
    for layer in layers:
        layer.rate = 0.5
        assert np.abs(model(INPUTS, training=True) - calm).max() > 1e-3
        np.testing.assert_array_equal(model(INPUTS), calm)
        layer.rate = 0.0


def test_word_dropout_removes_whole_embeddings_before_positions_are_added(monkeypatch):
    model = make_model(word_dropout_rate=0.4)
    received = {}
    for side in ("source", "target"):

        def record(x, position=0, side=side):
            received[side] = numbers(x)
            return x

        monkeypatch.setattr(getattr(model, f"{side}_positions"), "call", record)
    source, target = np.full((8, 19), 9), np.full((8, 17), 13)
    model({"source_ids": source, "target_ids": target}, training=True)
    for side, ids in (("source", source), ("target", target)):
        embedded = numbers(model.source_embedding(ids))
        is_kept = np.any(received[side] != 0, axis=-1, keepdims=True)
        np.testing.assert_allclose(received[side], embedded * is_kept / 0.6, rtol=1e-5)
        assert 0.4 < is_kept.mean() < 0.8
    model({"source_ids": source, "target_ids": target})
    np.testing.assert_array_equal(received["source"], model.source_embedding(source))


def test_learned_positions_are_two_tables_that_learn():
    model = shared_model(learned_positions=True)
    tables = [w.path for w in model.weights if "positions" in w.path]
    assert len(tables) == 2
    positions = [model.source_positions, model.target_positions]
    gradients = variable_gradients(
        lambda: ops.sum(model(INPUTS) ** 2), [layer.table for layer in positions]
    )
    for gradient, length in zip(gradients, (7, 5), strict=True):
        moved = np.abs(gradient).max(axis=1) > 0
        assert moved.tolist() == [True] * length + [False] * (19 - length)


def number_of_parameters(vocab_size, num_layers, d_model, d_ff):
    """Counted from the paper's formulas."""
    attention = 4 * (d_model * d_model + d_model)
    feed_forward = d_model * d_ff + d_ff + d_ff * d_model + d_model
    normalization = 2 * d_model
    encoder_block = attention + feed_forward + 2 * normalization
    decoder_block = 2 * attention + feed_forward + 3 * normalization
    return vocab_size * d_model + num_layers * (encoder_block + decoder_block)


@pytest.mark.parametrize("name", ["tiny", "small"])
def test_small_presets_have_the_parameters_of_their_sizes(name):
    sizes = {key: PRESETS[name][key] for key in ("num_layers", "d_model", "d_ff")}
    model = Transformer.from_preset(name, vocab_size=1500)
    recorded = {"tiny": 1_117_696, "small": 4_338_688}
    assert model.count_params() == recorded[name]
    # with pre-norm, each stack ends with a normalization: gamma and beta
    ends = 2 * 2 * sizes["d_model"] if model.normalize_first else 0
    assert number_of_parameters(1500, **sizes) + ends == recorded[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["base", "big"])
def test_paper_presets_have_the_papers_number_of_parameters(name):
    expected = VECTORS["parameters"][name]
    sizes = {key: PRESETS[name][key] for key in ("num_layers", "d_model", "d_ff")}
    assert number_of_parameters(37_000, **sizes) == expected
    model = Transformer.from_preset(name, vocab_size=37_000)
    assert model.count_params() == expected
    assert expected / 1e6 == pytest.approx({"base": 65, "big": 213}[name], rel=0.03)


def test_paper_presets_are_the_rows_of_table_three():
    rows = {"base": (6, 512, 8, 2048, 0.1), "big": (6, 1024, 16, 4096, 0.3)}
    for name, row in rows.items():
        assert tuple(PRESETS[name].values()) == row


def test_preset_can_be_changed_and_does_not_change_itself():
    before = {name: dict(sizes) for name, sizes in PRESETS.items()}
    model = Transformer.from_preset("tiny", vocab_size=23, d_model=12, num_heads=3)
    assert (model.d_model, model.num_heads, model.d_ff) == (12, 3, 512)
    assert before == PRESETS


def test_unknown_preset_is_an_error_that_names_the_known():
    with pytest.raises(ValueError, match=r"'base', 'big', 'small', 'tiny'.*'huge'"):
        Transformer.from_preset("huge", vocab_size=23)


@pytest.mark.parametrize("kind", ["transformer", "ssru", "recurrent"])
def test_summary_counts_all_weights(kind):
    if kind == "recurrent":
        model = RecurrentSeq2Seq(23, d_model=14, num_layers=2)
    else:
        model = make_model(decoder=SSRUDecoder if kind == "ssru" else Decoder)
    lines = []
    model.summary(print_fn=lines.append, expand_nested=True)
    text = "\n".join(lines)
    assert f"{model.count_params():,}" in text
    assert f"(None, None, {model.d_model})" in text
