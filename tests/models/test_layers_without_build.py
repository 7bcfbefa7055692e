"""A sub-layer may be a plain Keras layer, without a method `build`."""

import keras
import numpy as np
import pytest
from keras import ops

from tf_transformer.models import Transformer
from tf_transformer.training import MaskedCrossEntropy

SIZES = {"vocab_size": 23, "num_layers": 1, "d_model": 12, "num_heads": 3, "d_ff": 17}
RANDOM = np.random.default_rng(3)
INPUTS = {
    "source_ids": RANDOM.integers(4, 23, (2, 7)),
    "target_ids": RANDOM.integers(4, 23, (2, 5)),
}


@keras.saving.register_keras_serializable(package="test_layers_without_build")
class PlainFeedForward(keras.layers.Layer):
    def __init__(self, d_model, d_ff, activation, **kwargs):
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(d_ff, activation=activation)
        self.outer = keras.layers.Dense(d_model)

    def call(self, inputs):
        return self.outer(self.inner(inputs))


@keras.saving.register_keras_serializable(package="test_layers_without_build")
class Unchanged(keras.layers.Layer):
    def call(self, inputs):
        return inputs


@pytest.mark.moderate
def test_a_layer_without_build_is_built_with_the_model():
    model = Transformer(**SIZES, feed_forward=PlainFeedForward)
    usual = Transformer(**SIZES)
    assert model.count_params() == usual.count_params()
    for mine, other in zip(model.weights, usual.weights, strict=True):
        assert mine.shape == other.shape
        mine.assign(other)
    np.testing.assert_array_equal(model(INPUTS), usual(INPUTS))


@pytest.mark.long
def test_it_trains_and_is_saved(tmp_path):
    model = Transformer(**SIZES, feed_forward=PlainFeedForward, norm=Unchanged)
    network = model.encoder.blocks[0].feed_forward
    before = [weight.numpy() for weight in network.weights]
    assert len(before) == 4
    model.compile(keras.optimizers.SGD(1.0), MaskedCrossEntropy())
    model.fit(INPUTS, INPUTS["target_ids"], verbose=0)
    for weight, old in zip(network.weights, before, strict=True):
        assert np.abs(weight.numpy() - old).max() > 0
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(INPUTS), model(INPUTS), atol=1e-6)


@keras.saving.register_keras_serializable(package="test_layers_without_build")
class PlainStack(keras.layers.Layer):
    """An encoder, or a decoder that reads the encoder's first position only."""

    def __init__(self, num_layers, d_model, name=None, dtype=None, **arguments):
        super().__init__(name=name, dtype=dtype)
        self.dense = keras.layers.Dense(d_model)

    def call(self, inputs, encoder_output=None, training=None, **masks):
        x = inputs if encoder_output is None else inputs + encoder_output[:, :1]
        return self.dense(x)


@pytest.mark.moderate
@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_a_stack_without_build_trains_and_is_saved(side, tmp_path):
    model = Transformer(**SIZES, **{side: PlainStack})
    kernel = getattr(model, side).dense.kernel
    before = ops.convert_to_numpy(kernel)
    model.compile(keras.optimizers.SGD(1.0), MaskedCrossEntropy())
    model.fit(INPUTS, INPUTS["target_ids"], verbose=0)
    assert np.abs(ops.convert_to_numpy(kernel) - before).max() > 0
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(INPUTS), model(INPUTS), atol=1e-6)


class WithFurtherLayer(Transformer):
    """Changes the vectors of the source."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.further = keras.layers.Dense(self.d_model)

    def encode(self, source_ids, training=None):
        encoded = super().encode(source_ids, training)
        return {**encoded, "states": self.further(encoded["states"])}


@pytest.mark.moderate
def test_a_subclass_may_add_layers_in_its_constructor():
    model = WithFurtherLayer(**SIZES)
    model.compile(keras.optimizers.SGD(1.0), MaskedCrossEntropy())
    model.fit(INPUTS, INPUTS["target_ids"], verbose=0)
    assert ops.convert_to_numpy(model.further.bias).any()
    with pytest.raises(ValueError, match="cannot add new elements of state"):
        Transformer(**SIZES).further = keras.layers.Dense(3)
