"""The SSRU equals its formula, position by position; its decoder keeps one vector."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.backend import gradients, in_graph
from tests.further import further
from tests.layer_contract import SIZES, assert_layer_contract
from tf_transformer.layers import SSRU, DecoderBlock, SSRUDecoder, SSRUDecoderBlock
from tf_transformer.layers.ssru import linear_recurrence

B, S, T = SIZES["batch"], SIZES["source"], SIZES["target"]
D = SIZES["d_model"]
BLOCK = {name: SIZES[name] for name in ("d_model", "num_heads", "d_ff")}
SHAPES = {
    "inputs": (B, T, D),
    "encoder_output": (B, S, D),
    "padding_mask": (B, T),
    "encoder_padding_mask": (B, S),
}


def formula(layer, x, mask=None):
    """Kim et al., 2019, one number vector at a time, in float64."""
    w, w_f, b_f = (
        np.array(weight).astype("float64")
        for weight in (
            layer.input_dense.kernel,
            layer.forget_dense.kernel,
            layer.forget_dense.bias,
        )
    )
    outputs = np.zeros(x.shape)
    for b in range(len(x)):
        c = np.zeros(x.shape[-1])
        for t in range(x.shape[1]):
            f = 1 / (1 + np.exp(-(x[b, t] @ w_f + b_f)))
            if mask is None or mask[b, t]:
                c = f * c + (1 - f) * (x[b, t] @ w)
            outputs[b, t] = np.maximum(c, 0)
    return outputs


def random_layer(**arguments):
    layer = SSRU(d_model=D, **arguments)
    layer.build((None, None, D))
    random = np.random.default_rng(6)
    for weight in layer.weights:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    return layer


@pytest.mark.parametrize("length", [1, 8, 31, *further(5, 9, 67)])
def test_layer_equals_the_formula_at_any_length(length):
    layer = random_layer()
    x = np.random.default_rng(length).normal(size=(3, length, D)).astype("float32")
    found = ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(found, formula(layer, x), atol=2e-6)
    np.testing.assert_allclose(in_graph(layer)(x), found, atol=1e-6)


def test_padding_anywhere_leaves_the_state_unchanged():
    layer = random_layer()
    x = np.random.default_rng(7).normal(size=(2, 11, D)).astype("float32")
    mask = np.ones((2, 11), bool)
    mask[0, 7:] = mask[1, [0, 4]] = False
    found = ops.convert_to_numpy(layer(x, padding_mask=mask))
    np.testing.assert_allclose(found, formula(layer, x, mask), atol=2e-6)
    x[~mask] = 1e4  # values at padding are not read
    again = ops.convert_to_numpy(layer(x, padding_mask=mask))
    np.testing.assert_array_equal(again[mask], found[mask])


@pytest.mark.parametrize("length", [21, *further(3)])
def test_gradient_of_the_recurrence_equals_that_of_the_loop(length):
    random = np.random.default_rng(8)
    decay = random.random((2, length, 3)).astype("float32")
    inputs, upstream = random.normal(size=(2, 2, length, 3)).astype("float32")
    upstream = ops.convert_to_tensor(upstream)

    def loop(decay, inputs):
        state, states = 0.0, []
        for t in range(length):
            state = decay[:, t] * state + inputs[:, t]
            states.append(state)
        return ops.stack(states, axis=1)

    found, expected = (
        gradients(lambda a, b, f=function: ops.sum(f(a, b) * upstream), decay, inputs)
        for function in (linear_recurrence, loop)
    )
    for ours, reference in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-5, atol=1e-5)


@pytest.mark.long
def test_extreme_gates_stay_finite_and_exact():
    # cumulative products of these decays underflow: a form that divides gives NaN
    decay = np.full((1, 40, 1), 1e-20, "float32")
    decay[:, 20:] = 1.0
    inputs = np.ones((1, 40, 1), "float32")
    found = ops.convert_to_numpy(linear_recurrence(decay, inputs)).ravel()
    np.testing.assert_array_equal(found, [1.0] * 20 + list(range(2, 22)))
    for found in gradients(
        lambda a, b: ops.sum(linear_recurrence(a, b)), decay, inputs
    ):
        assert np.isfinite(found).all()


def test_steps_equal_the_parallel_pass():
    layer = random_layer()
    x = np.random.default_rng(9).normal(size=(4, 13, D)).astype("float32")
    state, outputs = ops.zeros((4, D)), []
    for t in range(13):
        output, state = layer.step(ops.convert_to_tensor(x[:, t]), state)
        outputs.append(ops.convert_to_numpy(output))
    np.testing.assert_allclose(np.stack(outputs, 1), layer(x), atol=2e-6)


def test_state_of_half_precision_is_float32():
    layer = SSRU(d_model=4, dtype="mixed_bfloat16")
    assert layer.state_dtype == "float32"
    layer.build((None, None, 4))
    output, state = layer.step(ops.ones((2, 4)), ops.zeros((2, 4)))
    kinds = [keras.backend.standardize_dtype(x.dtype) for x in (output, state)]
    assert kinds == ["bfloat16", "float32"]


@pytest.mark.long
def test_ssru_keeps_the_contract():
    shapes = {"inputs": (B, T, D), "padding_mask": (B, T)}
    assert_layer_contract(SSRU, {"d_model": D}, shapes, (B, T, D), num_weights=3)


@pytest.mark.long
@pytest.mark.parametrize(
    "normalize_first", [pytest.param(False, marks=pytest.mark.full), True]
)
def test_block_keeps_the_contract(normalize_first):
    arguments = {**BLOCK, "dropout_rate": 0.4, "normalize_first": normalize_first}
    # 3 of the SSRU, 8 of cross-attention, 4 of the network, 6 of norms
    assert_layer_contract(SSRUDecoderBlock, arguments, SHAPES, (B, T, D), 21)


@pytest.mark.long
def test_decoder_keeps_the_contract():
    arguments = {**BLOCK, "num_layers": 2, "dropout_rate": 0.4}
    assert_layer_contract(SSRUDecoder, arguments, SHAPES, (B, T, D), 42)


def test_future_tokens_do_not_change_the_past():
    decoder = SSRUDecoder(num_layers=2, **BLOCK)
    random = np.random.default_rng(10)
    x, source = random.normal(size=(2, 1, 9, D)).astype("float32")
    before = ops.convert_to_numpy(decoder(x, source))
    x[:, 6:] += 1.0
    after = ops.convert_to_numpy(decoder(x, source))
    np.testing.assert_allclose(after[:, :6], before[:, :6], atol=1e-6)
    assert np.abs(after[:, 6:] - before[:, 6:]).max() > 0.01


def test_block_has_the_arguments_of_the_decoder_block():
    block = SSRUDecoderBlock(**BLOCK, norm_epsilon=1e-5)
    assert block.get_config().keys() == DecoderBlock(**BLOCK).get_config().keys()
    assert block.ssru_norm.epsilon == 1e-5
    assert not hasattr(block, "self_attention")


def test_a_length_of_0_keeps_the_batch():
    assert random_layer()(np.zeros((3, 0, D), "float32")).shape == (3, 0, D)
