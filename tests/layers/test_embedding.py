import keras
import numpy as np
import pytest
from keras import ops

from tests.backend import BACKEND, dtype_of, in_graph, variable_gradients
from tests.layer_contract import assert_layer_contract
from tf_transformer.layers.embedding import TokenEmbedding

IDS = np.array([[5, 9, 22], [0, 5, 1]], "int32")


@pytest.fixture
def embedding():
    layer = TokenEmbedding(vocab_size=23, d_model=12)
    layer.build()
    return layer


@pytest.mark.moderate
def test_keeps_the_layer_contract():
    assert_layer_contract(
        TokenEmbedding,
        {"vocab_size": 23, "d_model": 12},
        {"inputs": (2, 7)},
        (2, 7, 12),
        num_weights=1,
        num_ids=23,
    )


def test_vectors_are_rows_of_the_table_times_the_root_of_the_width(embedding):
    expected = embedding.table.numpy()[IDS] * np.sqrt(12)
    np.testing.assert_allclose(embedding(IDS), expected, rtol=1e-6)


def test_logits_are_products_with_every_row_without_the_scale(embedding):
    states = np.random.default_rng(1).normal(size=(2, 5, 12)).astype("float32")
    logits = embedding(states, reverse=True)
    for sentence in range(2):
        for position in range(5):
            expected = [
                row @ states[sentence, position] for row in embedding.table.numpy()
            ]
            np.testing.assert_allclose(
                logits[sentence, position], expected, rtol=1e-4, atol=1e-5
            )


def test_start_values_give_vectors_of_variance_one_at_any_width():
    for d_model in (16, 256):
        layer = TokenEmbedding(vocab_size=4000, d_model=d_model)
        layer.build()
        table = layer.table.numpy()
        assert table.mean() == pytest.approx(0.0, abs=0.01 * d_model**-0.5)
        assert table.std() == pytest.approx(d_model**-0.5, rel=0.02)
        vectors = np.array(layer(np.arange(4000)[None]))
        assert vectors.std() == pytest.approx(1.0, rel=0.02)


def test_one_table_learns_from_both_sides(embedding):
    assert len(embedding.weights) == 1
    table, ids = [embedding.table], np.array([[4, 4, 7]])
    states = ops.ones((1, 1, 12))
    (vector_gradient,) = variable_gradients(lambda: ops.sum(embedding(ids)), table)
    (logit_gradient,) = variable_gradients(
        lambda: embedding(states, reverse=True)[0, 0, 9], table
    )
    times_seen = np.zeros(23)
    times_seen[[4, 7]] = 2, 1
    expected = times_seen[:, None] * np.full((1, 12), np.sqrt(12))
    np.testing.assert_allclose(vector_gradient, expected, rtol=1e-6)
    expected = np.zeros((23, 12))
    expected[9] = 1.0
    np.testing.assert_array_equal(logit_gradient, expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_logits_are_float32_under_mixed_precision(dtype):
    layer = TokenEmbedding(vocab_size=23, d_model=12, dtype=f"mixed_{dtype}")
    vectors = layer(IDS)
    logits = layer(vectors, reverse=True)
    assert (dtype_of(vectors), dtype_of(logits)) == (dtype, "float32")
    exact = layer.table.numpy() @ layer.table.numpy()[5] * np.sqrt(12)
    np.testing.assert_allclose(logits[0, 0], exact, atol=0.05)


def test_symbolic_shape_of_logits_is_correct():
    layer = TokenEmbedding(vocab_size=23, d_model=12, dtype="mixed_bfloat16")
    logits = layer(keras.KerasTensor((None, 5, 12), "bfloat16"), reverse=True)
    assert (logits.shape, logits.dtype) == ((None, 5, 23), "float32")


def keras_twin(embedding):
    """Keras' own layer with the same matrix; ours scales its vectors."""
    twin = keras.layers.ReversibleEmbedding(23, 12)
    twin.build()
    twin.set_weights(embedding.get_weights())
    return twin


def assert_same_in_both_directions(embedding, twin):
    states = np.random.default_rng(1).normal(size=(2, 5, 12)).astype("float32")
    vectors = ops.convert_to_numpy(twin(IDS)) * np.sqrt(12)
    np.testing.assert_allclose(embedding(IDS), vectors, rtol=1e-5, atol=1e-6)
    logits = twin(states, reverse=True)
    np.testing.assert_allclose(
        embedding(states, reverse=True), logits, rtol=1e-5, atol=1e-5
    )


@pytest.mark.filterwarnings("ignore:The use of .x.T. on tensors")  # Keras on PyTorch
@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_quantized_embedding_equals_keras_layer(embedding, mode):
    twin, before = keras_twin(embedding), np.array(embedding(IDS))
    embedding.quantize(mode)
    twin.quantize(mode)
    assert_same_in_both_directions(embedding, twin)
    change = np.abs(np.array(embedding(IDS)) - before).max()
    assert 0 < change < {"int8": 0.03, "int4": 0.5}[mode]
    assert dtype_of(embedding.matrix.weights[0]) == "int8"


def test_lora_changes_lookup_and_logits_and_freezes_the_matrix(embedding):
    twin, before = keras_twin(embedding), np.array(embedding(IDS))
    for layer in (embedding, twin):
        layer.enable_lora(rank=3, lora_alpha=6)
    np.testing.assert_array_equal(embedding(IDS), before)  # B starts at 0
    random = np.random.default_rng(2)
    for ours, theirs in zip(
        embedding.trainable_weights, twin.trainable_weights, strict=True
    ):
        ours.assign(random.normal(size=ours.shape))
        theirs.assign(ours)
    assert [w.shape for w in embedding.trainable_weights] == [(23, 3), (3, 12)]
    assert_same_in_both_directions(embedding, twin)
    a, b = (weight.numpy() for weight in embedding.trainable_weights)
    expected = before + 2 * (a @ b)[IDS] * np.sqrt(12)
    np.testing.assert_allclose(embedding(IDS), expected, rtol=1e-4, atol=1e-4)


def test_lora_needs_a_built_layer():
    with pytest.raises(ValueError, match="Expected a layer that has been built"):
        TokenEmbedding(vocab_size=23, d_model=12).enable_lora(rank=2)


@pytest.mark.filterwarnings("ignore:The use of .x.T. on tensors")  # Keras on PyTorch
@pytest.mark.parametrize("change", ["output_bias", "lora", "int8"])
def test_a_shared_transpose_gives_the_same_logits(change):
    layer = TokenEmbedding(vocab_size=23, d_model=12, output_bias=True)
    layer.build()
    layer.output_bias.assign(np.random.default_rng(3).normal(size=23))
    if change == "lora":
        layer.enable_lora(rank=2)
        for weight in layer.trainable_weights:
            weight.assign(np.random.default_rng(4).normal(size=weight.shape))
    elif change == "int8":
        layer.quantize("int8")
    keys = []

    def logits(states):
        arguments = layer.projection_arguments()
        keys.append([*arguments])
        return layer(states, reverse=True, **arguments)

    states = np.random.default_rng(5).normal(size=(2, 7, 12)).astype("float32")
    expected = ops.convert_to_numpy(layer(states, reverse=True))
    for function in (logits, in_graph(logits)):
        found = ops.convert_to_numpy(function(ops.array(states)))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    in_graph_alone = BACKEND == "tensorflow" and change != "int8"
    assert keys == [[], ["transposed"] if in_graph_alone else []]
