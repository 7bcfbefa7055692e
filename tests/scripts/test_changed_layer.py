"""Changed layers are used in every block, and the model's methods agree."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tf_transformer as tt
from tests.scripts.load_script import load_script

SOURCE = np.array([[5, 9, 3, 17, 22, 4, 3], [6, 11, 8, 3, 0, 0, 0]], "int32")
TARGET = np.array([[2, 7, 12, 19, 21], [2, 14, 5, 9, 8]], "int32")
INPUTS = {"source_ids": SOURCE, "target_ids": TARGET}


@pytest.fixture(scope="module")
def script():
    """Loaded now: another test may register other classes under the same names."""
    return load_script("changed_layer")


@pytest.fixture(scope="module")
def model(script):
    keras.utils.set_random_seed(3)
    sizes = {"num_layers": 2, "d_model": 12, "num_heads": 3, "d_ff": 17}
    changed = tt.Transformer(
        23,
        **sizes,
        max_length=19,
        dropout_rate=0.0,
        activation="silu",
        attention=script.TemperedAttention,
        feed_forward=script.GatedFeedForward,
    )
    random = np.random.default_rng(4)
    for weight in changed.weights:
        weight.assign(weight + random.normal(scale=0.2, size=weight.shape))
    return changed


def test_every_block_has_the_changed_layers(script, model):
    stacks = {"encoder": model.encoder.blocks, "decoder": model.decoder.blocks}
    for block in [*stacks["encoder"], *stacks["decoder"]]:
        assert type(block.feed_forward) is script.GatedFeedForward
        assert type(block.self_attention) is script.TemperedAttention
    for block in stacks["decoder"]:
        assert type(block.cross_attention) is script.TemperedAttention
    names = [weight.path.split("/")[-1] for weight in model.weights]
    assert names.count("temperature") == 2 + 2 * 2
    assert len({weight.path for weight in model.weights}) == len(names)


def test_gated_network_is_its_formula(model):
    layer = model.encoder.blocks[0].feed_forward
    x = np.random.default_rng(5).normal(size=(2, 7, 12)).astype("float32")
    denses = (layer.inner_dense, layer.gate_dense, layer.outer_dense)
    inner, gate, outer = (
        (dense.kernel.numpy().astype("float64"), dense.bias.numpy()) for dense in denses
    )
    h = x @ inner[0] + inner[1]
    h = h / (1 + np.exp(-h)) * (x @ gate[0] + gate[1])
    np.testing.assert_allclose(layer(x), h @ outer[0] + outer[1], atol=1e-5)


@pytest.mark.parametrize("temperature", [0.0, 1.0, 3.0])
def test_scores_are_multiplied_by_the_temperature(script, temperature):
    x = np.random.default_rng(6).normal(size=(1, 5, 12)).astype("float32")
    changed = script.TemperedAttention(d_model=12, num_heads=3)
    changed.build(x.shape)
    _, plain = changed(x, x, return_attention_scores=True)
    changed.temperature.assign(temperature)
    _, weights = changed(x, x, return_attention_scores=True)
    expected = np.array(plain) ** temperature  # softmax(t z) ~ softmax(z)^t
    expected /= expected.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(weights, expected, atol=1e-5)


@pytest.mark.moderate
def test_steps_equal_teacher_forcing(model):
    expected = model(INPUTS)
    state = model.start(model.encode(tf.constant(SOURCE)), TARGET.shape[1], 1)
    for position, token_ids in enumerate(TARGET.T):
        logits, state = model.step(tf.constant(token_ids), state)
        np.testing.assert_allclose(logits, expected[:, position], atol=3e-5)


@pytest.mark.moderate
def test_a_saved_model_comes_back_with_the_changed_layers(script, model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.decoder.blocks[1].feed_forward) is script.GatedFeedForward
    assert type(again.decoder.blocks[1].cross_attention) is script.TemperedAttention
    np.testing.assert_allclose(again(INPUTS), model(INPUTS), atol=1e-6)
