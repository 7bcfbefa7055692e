"""LoRA: the formula, the trained weights, and the contents of weight files."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import tf_transformer as tt
from tf_transformer.layers import SSRUDecoder
from tf_transformer.training.lora import add_lora
from tf_transformer.training.weights import load_weights, save_weights
from tf_transformer.utils.keras_compat import all_layers

SIZES = {"vocab_size": 29, "num_layers": 1, "d_model": 12, "num_heads": 3, "d_ff": 17}
IDS = np.random.default_rng(5).integers(4, 29, size=(6, 7))
INPUTS = {"source_ids": IDS, "target_ids": IDS[:, :5]}


def make_model():
    return tt.Transformer(**SIZES, decoder=SSRUDecoder, dropout_rate=0.0)


def values(weights):
    return [ops.convert_to_numpy(weight).copy() for weight in weights]


def fit(model):
    model.compile(optimizer=tt.Adam(0.05), loss=tt.MaskedCrossEntropy())
    model.fit(INPUTS, IDS[:, 1:6], epochs=2, verbose=0)


@pytest.mark.moderate
def test_only_the_changes_are_trained_and_files_hold_the_sum(tmp_path, capsys):
    model = make_model()
    before = values(model.weights)
    logits = ops.convert_to_numpy(model(INPUTS))
    frozen = model.weights
    add_lora(model, rank=2)
    np.testing.assert_array_equal(model(INPUTS), logits)  # B is zero
    fit(model)
    for weight, value in zip(frozen, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    dense = [x for x in all_layers(model) if isinstance(x, layers.Dense)]
    changes = [(x.lora_kernel_a, x.lora_kernel_b) for x in dense]
    assert all(ops.convert_to_numpy(b).any() for _, b in changes)
    count = sum(np.prod(matrix.shape) for pair in changes for matrix in pair)
    assert sum(np.prod(w.shape) for w in model.trainable_variables) == count
    assert capsys.readouterr().out.startswith(f"{count:,} of {model.count_params():,}")
    # the file: W + A B, for a model without changes
    save_weights(model, tmp_path / "a.weights.h5")
    merged = make_model()
    load_weights(merged, tmp_path / "a.weights.h5")
    assert len(merged.weights) == len(before)
    plain = [x for x in all_layers(merged) if isinstance(x, layers.Dense)]
    for layer, changed, (a, b) in zip(plain, dense, changes, strict=True):
        a, b = values([a, b])
        expected = ops.convert_to_numpy(changed._kernel) + a @ b
        np.testing.assert_allclose(layer.kernel, expected, atol=1e-6)
    np.testing.assert_allclose(merged(INPUTS), model(INPUTS), atol=1e-5)
    assert np.abs(ops.convert_to_numpy(merged(INPUTS)) - logits).max() > 0.1


def test_a_model_without_dense_layers_is_refused():
    embedding = layers.Embedding(7, 3)
    embedding.build(None)
    with pytest.raises(ValueError, match="Expected Dense or EinsumDense"):
        add_lora(embedding, rank=2)


def test_attention_of_keras_is_adapted_too():
    inputs = keras.Input((None, 12))
    attention = keras.layers.MultiHeadAttention(num_heads=3, key_dim=4)
    model = keras.Model(inputs, attention(inputs, inputs))
    add_lora(model, rank=2)
    assert len(model.trainable_weights) == 2 * 4  # query, key, value, output
    assert all("lora" in weight.name for weight in model.trainable_weights)
