import numpy as np
import pytest

from tests import reference
from tests.layer_contract import assert_layer_contract
from tf_transformer.layers.residual import Residual

RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=(2, 7, 12)).astype("float32")


@pytest.fixture(params=[False, True], ids=["post-norm", "pre-norm"])
def residual(request):
    layer = Residual(normalize_first=request.param)
    layer.build(X.shape)
    for weight in layer.weights:
        weight.assign(RANDOM.normal(loc=1.0, size=weight.shape))
    return layer


@pytest.mark.parametrize("dropout_rate", [0.0, 0.4])
def test_keeps_the_layer_contract(dropout_rate):
    assert_layer_contract(
        Residual,
        {"dropout_rate": dropout_rate},
        {"inputs": (2, 7, 12), "sublayer_output": (2, 7, 12)},
        (2, 7, 12),
        num_weights=2,
    )


def test_equals_the_paper_around_a_sublayer(residual):
    def sublayer(x):
        return x**2 - 0.5 * x

    output = residual(X, sublayer(residual.before(X)))
    for i in range(2):
        expected = reference.residual(
            reference.weights_of(residual),
            X[i].astype("float64"),
            sublayer,
            residual.normalize_first,
        )
        np.testing.assert_allclose(output[i], expected, rtol=1e-4, atol=1e-4)


def test_flat_vectors_are_divided_by_the_root_of_a_millionth():
    """A difference of 0.002 tells epsilon 1e-6 from Keras' default 1e-3."""
    layer = Residual()
    output = layer(np.array([[[0.001, -0.001]]]), np.zeros((1, 1, 2)))
    expected = 0.001 / np.sqrt(1e-6 + 1e-6)
    np.testing.assert_allclose(output[0, 0], [expected, -expected], rtol=1e-5)


def test_pre_norm_leaves_the_way_around_untouched():
    layer = Residual(normalize_first=True)
    layer.build(X.shape)
    np.testing.assert_array_equal(layer(X, np.zeros_like(X)), X)


def test_dropout_falls_on_the_answer_and_not_on_the_way_around():
    layer = Residual(dropout_rate=0.5, normalize_first=True)
    kept = np.array(layer(X, np.full_like(X, 3.0), training=True)) - X
    # kept answers are doubled, so that the mean stays
    assert set(np.unique(kept.round(4))) == {0.0, 6.0}
    assert 0.35 < (kept > 1).mean() < 0.65
