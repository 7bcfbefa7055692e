import numpy as np
import pytest

from tests import reference
from tests.layer_contract import assert_layer_contract
from tf_transformer.layers.feed_forward import FeedForward


@pytest.fixture
def layer():
    network = FeedForward(d_model=12, d_ff=17)
    network.build((None, None, 12))
    random = np.random.default_rng(3)
    for weight in network.weights:
        weight.assign(random.normal(size=weight.shape))
    return network


def inputs():
    return np.random.default_rng(4).normal(size=(2, 7, 12)).astype("float32")


@pytest.mark.moderate
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_keeps_the_layer_contract(activation):
    assert_layer_contract(
        FeedForward,
        {"d_model": 12, "d_ff": 17, "activation": activation},
        {"inputs": (2, 7, 12)},
        (2, 7, 12),
        num_weights=4,
    )


def test_equals_equation_two(layer):
    numbers = reference.weights_of(layer)
    expected = [reference.feed_forward(numbers, x) for x in inputs()]
    np.testing.assert_allclose(layer(inputs()), expected, rtol=1e-5, atol=1e-4)


def test_each_position_is_computed_independently(layer):
    changed = inputs()
    changed[0, 3] += 1.0
    moved = np.abs(np.array(layer(changed)) - layer(inputs())).max(axis=-1) > 1e-5
    assert np.argwhere(moved).tolist() == [[0, 3]]


def test_activation_is_applied_between_the_two_layers(layer):
    assert layer.inner_dense.activation.__name__ == "relu"
    assert layer.outer_dense.activation.__name__ == "linear"
    assert np.array(layer(inputs())).min() < 0.0
