"""The loss with weights is the weighted mean over real tokens."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.training.loss_batches import batch, by_reference, loss_and_gradient
from tf_transformer.data.update_weights import UpdateWeights
from tf_transformer.training.losses import MaskedCrossEntropy


def weights_of_every_shape():
    tokens = np.random.default_rng(5).uniform(0, 3, size=(3, 5)).astype("float32")
    sentences = tokens[:, :1]
    switched = (tokens > 1).astype("float32")
    return {
        "tokens": (tokens, tokens),
        "tokens with an axis": (tokens[..., None], tokens),
        "sentences": (sentences[:, 0], sentences),
        "sentences with an axis": (sentences, sentences),
        "ones": (np.ones(3), np.ones((3, 1))),
        "zeros and ones": (switched, switched),
        "one row for all": (tokens[:1], tokens[:1]),
        "scalar": (np.float32(0.3), np.full((3, 5), 0.3, "float32")),
        "integers": (np.array([0, 2, 1]), np.array([[0], [2], [1]], "float32")),
    }


@pytest.mark.parametrize("kind", weights_of_every_shape())
def test_weights_make_the_weighted_mean_of_keras_over_real_tokens(kind):
    weights, full = weights_of_every_shape()[kind]
    labels, logits = batch(seed=4)
    real = np.broadcast_to(full, (3, 5)) * (labels != 0)
    keras_loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    expected, expected_gradient = loss_and_gradient(keras_loss, labels, logits, real)
    value, gradient = loss_and_gradient(MaskedCrossEntropy(), labels, logits, weights)
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-7)
    losses = by_reference(labels, logits, 0.0)
    assert value == pytest.approx((losses * real).sum() / real.sum(), rel=1e-5)


def test_every_reduction_by_hand():
    labels, logits = batch(seed=6)
    losses = by_reference(labels, logits, 0.1)
    weights = np.random.default_rng(7).uniform(0, 3, size=(3, 5)).astype("float32")
    total, num_tokens = (weights * losses).sum(), 11
    assert np.count_nonzero(labels) == num_tokens
    for reduction, expected in (
        ("mean_with_sample_weight", total / weights[labels != 0].sum()),
        ("sum", total),
        ("mean", total / num_tokens),
        ("sum_over_batch_size", total / num_tokens),
        ("none", weights * losses),
        (None, weights * losses),
    ):
        loss = MaskedCrossEntropy(0.1, reduction=reduction)
        found = ops.convert_to_numpy(loss(labels, logits, weights))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    # weights of an update are summed, unless there is a reduction that says more
    found = MaskedCrossEntropy(0.1)(labels, logits, UpdateWeights(weights))
    assert float(found) == pytest.approx(total, rel=1e-5)


def test_without_weights_the_loss_divides_by_its_own_tokens():
    labels, logits = batch(seed=6)
    mean = float(MaskedCrossEntropy()(labels, logits))
    assert mean == pytest.approx(by_reference(labels, logits, 0.0).sum() / 11, rel=1e-5)


def test_weights_of_zero_alone_give_zero_not_nan():
    labels, logits = batch(seed=6)
    value, gradient = loss_and_gradient(
        MaskedCrossEntropy(), labels, logits, np.zeros(3)
    )
    assert value == 0.0
    assert not gradient.any()


@pytest.mark.parametrize("shape", [(5,), (2, 5), (3, 4), (3, 5, 2), (2, 3, 5)])
def test_weights_of_another_shape_are_named(shape):
    labels, logits = batch()
    with pytest.raises(ValueError, match="sample_weight does not fit") as error:
        MaskedCrossEntropy()(labels, logits, np.ones(shape))
    assert f"Received: sample_weight {shape}, labels (3, 5)" in str(error.value)


def test_a_loss_of_keras_needs_the_sum_if_the_weights_divide():
    """The weights of `batches` do (docs/extending.md)."""
    labels, logits = batch(seed=4)
    real = (labels != 0).astype("float32")
    keras_loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="sum"
    )
    found = keras_loss(labels, logits, real / real.sum())
    expected = MaskedCrossEntropy()(labels, logits)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_weights_of_an_update_leave_other_reductions(reduction):
    labels, logits = batch(seed=6)
    weights = np.random.default_rng(7).uniform(0, 3, size=(3, 5)).astype("float32")
    loss = MaskedCrossEntropy(0.1, reduction=reduction)
    found = ops.convert_to_numpy(loss(labels, logits, UpdateWeights(weights)))
    expected = ops.convert_to_numpy(loss(labels, logits, weights))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-6)
