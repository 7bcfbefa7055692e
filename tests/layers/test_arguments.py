"""Arguments of constructors: checked, passed on, and written to configurations."""

import functools

import keras
import numpy as np
import pytest

from tests.layer_contract import layers_inside
from tf_transformer import layers
from tf_transformer.models import RecurrentSeq2Seq, Transformer

BLOCK = {"d_model": 12, "num_heads": 3, "d_ff": 17}
STACK = {**BLOCK, "num_layers": 2}
RNN = {"num_layers": 1, "d_model": 12}
MODEL = {"vocab_size": 23, "num_layers": 1, "d_model": 12}
transformer = functools.partial(Transformer, num_heads=3, d_ff=17)


@pytest.mark.parametrize(
    ("make", "arguments", "changes"),
    [
        (layers.TokenEmbedding, {"vocab_size": 23, "d_model": 12}, {"vocab_size": 0}),
        (layers.TokenEmbedding, {"vocab_size": 23, "d_model": 12}, {"d_model": 1.5}),
        (layers.PositionalEncoding, {"max_length": 9}, {"max_length": -1}),
        (layers.FeedForward, {"d_model": 12, "d_ff": 17}, {"d_ff": 0}),
        (
            layers.MultiHeadAttention,
            {"d_model": 12, "num_heads": 3},
            {"num_heads": 0},
        ),
        (
            layers.MultiHeadAttention,
            {"d_model": 12, "num_heads": 3},
            {"dropout_rate": 1.0},
        ),
        (layers.EncoderBlock, BLOCK, {"dropout_rate": -0.1}),
        (layers.DecoderBlock, BLOCK, {"attention_dropout_rate": 1}),
        (layers.Encoder, STACK, {"num_layers": -1}),
        (layers.Decoder, STACK, {"num_layers": True}),
        (layers.RecurrentEncoder, RNN, {"dropout_rate": "0.1"}),
        (layers.RecurrentDecoder, RNN, {"num_layers": 0}),
        (layers.GlobalAttention, {"d_model": 12}, {"d_model": 0}),
        (layers.SSRU, {"d_model": 12}, {"d_model": 0}),
        (layers.SSRUDecoder, STACK, {"num_layers": -1}),
        (layers.EncoderBlock, BLOCK, {"norm_epsilon": -1}),
        (layers.Decoder, STACK, {"norm_epsilon": "1e-6"}),
        (transformer, MODEL, {"norm_epsilon": 0.0}),
        (transformer, MODEL, {"num_encoder_layers": 0}),
        (transformer, MODEL, {"word_dropout_rate": 1}),
        (transformer, MODEL, {"vocab_size": 0}),
        (transformer, MODEL, {"target_vocab_size": 0}),
        (transformer, MODEL, {"num_layers": -1}),
        (transformer, MODEL, {"dropout_rate": 1.0}),
        (transformer, MODEL, {"max_length": 0}),
        (RecurrentSeq2Seq, MODEL, {"vocab_size": 0}),
        (RecurrentSeq2Seq, MODEL, {"max_length": 0}),
        (RecurrentSeq2Seq, MODEL, {"dropout_rate": 1.0}),
    ],
)
def test_an_impossible_argument_is_an_error_that_names_it(make, arguments, changes):
    [(name, value)] = changes.items()
    with pytest.raises(ValueError, match=f"{name} must be.*Received: {name}={value!r}"):
        make(**{**arguments, **changes})


@pytest.mark.parametrize("width", [1, 16])
@pytest.mark.parametrize(
    "layer",
    [
        layers.EncoderBlock(**BLOCK),
        layers.DecoderBlock(**BLOCK),
        layers.SSRUDecoderBlock(**BLOCK),
        layers.Encoder(**STACK),
        layers.Decoder(**STACK),
        layers.SSRUDecoder(**STACK),
        layers.FeedForward(d_model=12, d_ff=17),
        layers.SSRU(d_model=12),
        layers.RecurrentEncoder(**RNN),
        layers.RecurrentDecoder(**RNN),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_inputs_of_another_width_are_an_error(layer, width):
    with pytest.raises(ValueError, match=rf"d_model=12. Received: .*{width}\)"):
        layer.build((None, 7, width))


@pytest.mark.parametrize(
    "make",
    [
        functools.partial(layers.Encoder, **STACK),
        functools.partial(layers.Decoder, **STACK, normalize_first=True),
        functools.partial(layers.SSRUDecoder, **STACK),
        functools.partial(layers.RecurrentEncoder, **RNN),
        functools.partial(layers.GlobalAttention, d_model=12, score="general"),
    ],
)
def test_autocast_off_reaches_every_layer_inside(make):
    layer = make(autocast=False)
    assert {inside.autocast for inside in layers_inside(layer)} == {False}
    again = type(layer).from_config(layer.get_config())
    assert {inside.autocast for inside in layers_inside(again)} == {False}
    assert make().autocast


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64")  # JAX
def test_float64_reaches_learned_positions():
    layer = layers.PositionalEncoding(max_length=9, learned=True, dtype="float64")
    x = np.ones((1, 3, 4))
    found = keras.ops.convert_to_numpy(layer(x))
    expected = x + keras.ops.convert_to_numpy(layer.table)[:3]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    if keras.backend.backend() != "jax":  # which has no float64 by default
        assert found.dtype == "float64"


def double(x):
    return 2 * x


def test_an_activation_may_be_any_function():
    layer = layers.FeedForward(d_model=4, d_ff=5, activation=double)
    plain = layers.FeedForward(d_model=4, d_ff=5, activation="linear")
    x = np.ones((1, 2, 4), "float32")
    for network in (layer, plain):
        network.build(x.shape)
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x), 2 * plain(x), rtol=1e-5)
    encoder = layers.Encoder(**STACK, activation=keras.activations.gelu)
    assert encoder.get_config()["activation"] == "gelu"
    model = transformer(**MODEL, activation=keras.activations.silu)
    assert model.arguments()["activation"] == "silu"


@keras.saving.register_keras_serializable("tests")
class Doubled(layers.FeedForward):
    def call(self, inputs):
        return 2.0 * super().call(inputs)


@keras.saving.register_keras_serializable("tests")
def rms(**arguments):
    return keras.layers.RMSNormalization(epsilon=1e-4, **arguments)


@pytest.mark.parametrize("make", [layers.EncoderBlock, layers.Encoder, layers.Decoder])
def test_a_class_or_a_function_replaces_a_sublayer(make):
    arguments = BLOCK if make is layers.EncoderBlock else STACK
    layer = make(**arguments, feed_forward=Doubled, norm=rms)
    for again in (layer, type(layer).from_config(layer.get_config())):
        blocks = getattr(again, "blocks", [again])
        assert all(type(block.feed_forward) is Doubled for block in blocks)
        assert all(block.feed_forward_norm.epsilon == 1e-4 for block in blocks)
    config = layer.get_config()
    assert (config["feed_forward"], config["norm"]) == ("tests>Doubled", "tests>rms")


@pytest.mark.moderate
def test_one_class_changes_a_whole_model(tmp_path):
    model = transformer(**MODEL, feed_forward=Doubled)
    ids = np.array([[5, 9, 3]])
    inputs = {"source_ids": ids, "target_ids": ids}
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for block in (*again.encoder.blocks, *again.decoder.blocks):
        assert type(block.feed_forward) is Doubled
    np.testing.assert_allclose(again(inputs), model(inputs), atol=1e-6)


def test_values_that_are_not_callable_are_refused():
    with pytest.raises(ValueError, match="registered.*Received: 'tests>Nothing'"):
        layers.EncoderBlock(**BLOCK, feed_forward="tests>Nothing")
    with pytest.raises(ValueError, match="Expected a class or a function"):
        layers.EncoderBlock(**BLOCK, feed_forward=Doubled(d_model=12, d_ff=17))


@pytest.mark.parametrize(
    "arguments",
    [
        {"norm": lambda **arguments: keras.layers.Identity(**arguments)},
        {"norm": functools.partial(keras.layers.LayerNormalization, epsilon=1e-5)},
        {"activation": lambda x: 2 * x},
    ],
)
def test_functions_without_a_name_can_be_used_but_not_saved(arguments):
    for make in (layers.EncoderBlock, layers.Decoder, transformer):
        sizes = {layers.EncoderBlock: BLOCK, transformer: MODEL}
        made = make(**sizes.get(make, {**BLOCK, "num_layers": 1}), **arguments)
        with pytest.raises(ValueError, match="without a name cannot be saved"):
            made.get_config()


def _norm(dtype, name):
    """Does not know the argument `trainable`."""
    return keras.layers.RMSNormalization(dtype=dtype, name=name)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.TokenEmbedding(vocab_size=23, d_model=12, trainable=False),
        lambda: layers.MultiHeadAttention(d_model=12, num_heads=3, trainable=False),
        lambda: layers.Encoder(**STACK, normalize_first=True, trainable=False),
        lambda: layers.Decoder(**STACK, trainable=False),
        lambda: layers.SSRUDecoder(**STACK, trainable=False),
        lambda: layers.RecurrentEncoder(**RNN, trainable=False),
        lambda: layers.GlobalAttention(d_model=12, score="general", trainable=False),
        lambda: layers.Encoder(**STACK, norm=_norm, trainable=False),
    ],
)
def test_a_layer_that_is_made_frozen_has_no_trained_weight(make):
    layer = make()
    layer.build(*[(None, None, 12)] * (1 + isinstance(layer, layers.GlobalAttention)))
    assert layer.weights and not any(weight.trainable for weight in layer.weights)
    layer.trainable = True
    assert any(weight.trainable for weight in layer.weights)


def test_a_functional_model_keeps_what_is_frozen(tmp_path):
    ids = keras.Input((None,), dtype="int32")
    embedding = layers.TokenEmbedding(vocab_size=23, d_model=12)
    encoder = layers.Encoder(**STACK)
    logits = keras.layers.Dense(5)(encoder(embedding(ids)))
    model = keras.Model(ids, logits)
    encoder.trainable = embedding.trainable = False
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for other in (model, loaded, keras.models.clone_model(model)):
        assert [tuple(w.shape) for w in other.trainable_weights] == [(12, 5), (5,)]
