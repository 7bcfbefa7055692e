import keras
import numpy as np
import pytest

from tests.layer_contract import assert_layer_contract
from tests.recurrent_reference import decode, encode
from tests.reference import weights_of
from tf_transformer.layers.recurrent.cells import RecurrentDecoder, RecurrentEncoder

LENGTHS = (7, 4)
CELLS = pytest.mark.parametrize("cell", ["gru", "lstm"])
NUM_MEMORIES = {"gru": 1, "lstm": 2}


def vectors(length, seed=1):
    shape = (2, length, 12)
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def is_real(length=7):
    return np.arange(length)[None] < np.array(LENGTHS)[:, None]


def made(layer_class, cell, **changes):
    layer = layer_class(num_layers=2, d_model=12, cell=cell, **changes)
    layer.build((None, None, 12))
    random = np.random.default_rng(5)
    for weight in layer.weights:
        weight.assign(random.normal(scale=0.5, size=weight.shape))
    return layer


def memories(cell, seed=9):
    random = np.random.default_rng(seed)
    shape = (2, NUM_MEMORIES[cell], 2, 12)  # layer, memory, batch, width
    return [list(states) for states in random.normal(size=shape).astype("float32")]


class States(RecurrentEncoder):
    """The encoder's states alone, as the contract wants one output."""

    def call(self, inputs, padding_mask, training=None):
        return super().call(inputs, padding_mask, training=training)[0]

    def compute_output_shape(self, input_shape):
        return super().compute_output_shape(input_shape)[0]


@pytest.mark.long
def test_encoder_keeps_the_layer_contract():
    keras.saving.register_keras_serializable("tests")(States)
    assert_layer_contract(
        States,
        {"num_layers": 1, "d_model": 12, "cell": "lstm", "dropout_rate": 0.4},
        {"inputs": (2, 7, 12), "padding_mask": (2, 7)},
        (2, 7, 12),
        num_weights=2 * 3,
    )


@CELLS
def test_encoder_equals_the_papers_formulas(cell):
    encoder = made(RecurrentEncoder, cell)
    states, last = encoder(vectors(7), is_real())
    for row, length in enumerate(LENGTHS):
        x = vectors(7)[row, :length].astype("float64")
        expected, expected_last = encode(weights_of(encoder), x, cell)
        np.testing.assert_allclose(states[row, :length], expected, atol=1e-5)
        for ours, theirs in zip(last, expected_last, strict=True):
            assert len(ours) == NUM_MEMORIES[cell]
            for memory, expected_memory in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(memory[row], expected_memory, atol=1e-5)


@pytest.mark.moderate
@CELLS
def test_encoder_equals_keras_bidirectional_layers(cell):
    encoder = made(RecurrentEncoder, cell)
    x = keras.ops.convert_to_tensor(vectors(7))
    for forward, backward in zip(
        encoder.forward_layers, encoder.backward_layers, strict=True
    ):
        if cell == "gru":
            rnn = keras.layers.GRU(6, return_sequences=True, reset_after=False)
        else:
            rnn = keras.layers.LSTM(6, return_sequences=True)
        theirs = keras.layers.Bidirectional(rnn)
        theirs.build(x.shape)
        theirs.set_weights([*forward.get_weights(), *backward.get_weights()])
        x = theirs(x, mask=is_real())
    states, _ = encoder(vectors(7), is_real())
    real = is_real()[..., None]
    np.testing.assert_allclose(states * real, x * real, atol=1e-5)


@CELLS
def test_padding_never_changes_states_and_memory(cell):
    encoder = made(RecurrentEncoder, cell)
    short, short_last = encoder(vectors(7)[1:, :4], is_real()[1:, :4])
    # any values at padded positions
    padding = 100.0 * vectors(5, seed=3)[1:]
    x = np.concatenate([vectors(7)[1:, :4], padding], axis=1)
    long, long_last = encoder(x, np.arange(9)[None] < 4)
    np.testing.assert_allclose(long[:, :4], short, atol=1e-6)
    for one, other in zip(
        keras.tree.flatten(long_last), keras.tree.flatten(short_last), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-6)


@CELLS
def test_each_state_depends_on_words_on_both_sides(cell):
    encoder, x = made(RecurrentEncoder, cell), vectors(7)
    before, _ = encoder(x, is_real())
    x[:, 2] += 1.0
    moved = np.abs(np.array(encoder(x, is_real())[0]) - before).max(axis=-1) > 1e-6
    np.testing.assert_array_equal(moved & is_real(), is_real())


@pytest.mark.parametrize("shape", [(7,), (2, 1, 7), (2, 7, 7)])
def test_encoder_refuses_a_padding_mask_of_another_rank(shape):
    encoder = made(RecurrentEncoder, "gru")
    with pytest.raises(ValueError, match=r"shape \(batch, length\)"):
        encoder(vectors(7), np.ones(shape, bool))


@CELLS
def test_decoder_equals_the_papers_formulas(cell):
    decoder = made(RecurrentDecoder, cell)
    found = decoder(vectors(5), memories(cell))
    for row in range(2):
        own = [[m[row].astype("float64") for m in ms] for ms in memories(cell)]
        x = vectors(5)[row].astype("float64")
        expected = decode(weights_of(decoder), x, own, cell)
        np.testing.assert_allclose(found[row], expected, atol=1e-5)


@CELLS
def test_decoder_steps_equal_all_at_once(cell):
    decoder = made(RecurrentDecoder, cell, dropout_rate=0.5)
    state, outputs = memories(cell), []
    for position in range(5):
        output, state = decoder.step(vectors(5)[:, position], state)
        outputs.append(output)
    expected = decoder(vectors(5), memories(cell))
    np.testing.assert_allclose(np.stack(outputs, axis=1), expected, atol=1e-5)


def test_decoder_drops_out_in_training_only():
    decoder = made(RecurrentDecoder, "gru", dropout_rate=0.5)
    calm = np.array(decoder(vectors(5), memories("gru")))
    np.testing.assert_array_equal(
        decoder(vectors(5), memories("gru"), training=False), calm
    )
    dropped = decoder(vectors(5), memories("gru"), training=True)
    assert np.abs(dropped - calm).max() > 1e-3


def test_decoder_config_comes_back():
    decoder = made(RecurrentDecoder, "lstm", dropout_rate=0.3)
    config = decoder.get_config()
    assert (config["cell"], config["dropout_rate"]) == ("lstm", 0.3)
    assert RecurrentDecoder.from_config(config).get_config() == config


def test_unknown_cell_is_an_error_that_names_the_known():
    with pytest.raises(ValueError, match="gru, lstm. Received: 'elman'"):
        RecurrentDecoder(num_layers=1, d_model=12, cell="elman")


def test_odd_width_cannot_be_shared_by_two_directions():
    with pytest.raises(ValueError, match="must be even. Received: d_model=7"):
        RecurrentEncoder(num_layers=1, d_model=7)
