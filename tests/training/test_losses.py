"""The loss is the paper's, token by token, without padding."""

import json
import math
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests.backend import gradients
from tests.training.loss_batches import (
    VOCAB,
    batch,
    by_reference,
    loss_and_gradient,
)
from tf_transformer.training.losses import (
    MaskedCrossEntropy,
    smoothed_cross_entropy,
    token_negative_log_likelihood,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors.json").read_text())

# OpenNMT-tf, losses_test.py: the loss of all tokens, and of the first 2 and 1.
# Their labels are classes from 0; here 0 is padding, so a class is put before them.
OPENNMT_LOGITS = [
    [[0.1, 0.2, 0.9], [-1.2, 2.1, 0.0], [0.6, 0.3, 0.4]],
    [[-2.2, -0.2, -1.2], [2.3, 0.2, -0.1], [0.0, 0.1, 0.7]],
]
OPENNMT_LABELS = np.array([[2, 1, 0], [1, 0, 2]])
OPENNMT_SUM, OPENNMT_SUM_WITHIN_LENGTHS = 3.06985, 1.22118


def test_two_sentences_by_hand():
    # the labels have probability 1/2, 1/4 and 4/5: together 1/10
    probabilities = [
        [[0.1, 0.5, 0.2, 0.2], [0.25, 0.3, 0.25, 0.2], [0.7, 0.1, 0.1, 0.1]],
        [[0.1, 0.05, 0.05, 0.8], [0.1, 0.2, 0.3, 0.4], [0.2, 0.4, 0.1, 0.3]],
    ]
    labels = [[1, 2, 0], [3, 0, 0]]
    loss = MaskedCrossEntropy()(labels, np.log(probabilities))
    assert float(loss) == pytest.approx(math.log(10) / 3, rel=1e-6)


def test_sums_are_those_that_opennmt_publishes():
    never = np.full((2, 3, 1), -1e9)
    logits = np.concatenate([never, OPENNMT_LOGITS], axis=-1).astype("float32")
    labels = OPENNMT_LABELS + 1
    loss, ones = MaskedCrossEntropy(reduction="sum"), np.ones((2, 3))
    assert float(loss(labels, logits, ones)) == pytest.approx(OPENNMT_SUM, abs=1e-5)
    labels = np.where([[1, 1, 0], [1, 0, 0]], labels, 0)
    found = float(loss(labels, logits))
    assert found == pytest.approx(OPENNMT_SUM_WITHIN_LENGTHS, abs=1e-5)


def test_smoothing_is_spread_over_all_classes_as_keras_publishes():
    # the label is class 0, which is padding here: the classes are turned by one
    published = VECTORS["label_smoothing"]
    logits = np.roll(published["logits"], 1)[None, None]
    loss = MaskedCrossEntropy(label_smoothing=published["epsilon"])
    found = float(loss([[published["label"] + 1]], logits))
    assert found == pytest.approx(published["loss"], abs=5e-5)


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.7])
def test_equals_the_paper(epsilon):
    labels, logits = batch()
    expected = by_reference(labels, logits, epsilon)
    found = smoothed_cross_entropy(labels, logits, epsilon)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    loss = MaskedCrossEntropy(epsilon)(labels, logits)
    assert float(loss) == pytest.approx(expected.sum() / (labels != 0).sum(), rel=1e-5)


def test_equals_cross_entropy_of_keras_on_the_real_tokens():
    labels, logits = batch(seed=1)
    real = labels != 0
    keras_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    expected = float(keras_loss(labels[real], logits[real]))
    assert float(MaskedCrossEntropy()(labels, logits)) == pytest.approx(expected)
    smooth = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.3)
    expected = float(smooth(np.eye(VOCAB)[labels[real]], logits[real]))
    assert float(MaskedCrossEntropy(0.3)(labels, logits)) == pytest.approx(expected)


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_more_padding_changes_neither_loss_nor_gradient(weighted):
    labels, logits = batch(seed=2)
    weights = np.random.default_rng(3).uniform(1, 2, (3, 5)) if weighted else None
    more = ((0, 2), (0, 4))
    more_labels = np.pad(labels, more)
    more_logits = np.pad(logits, (*more, (0, 0)), constant_values=7.0)
    more_logits[..., 3] += 5.0
    more_logits[:3, :5] = logits
    more_weights = None if weights is None else np.pad(weights, more, "edge")
    loss = MaskedCrossEntropy(0.1)
    value, gradient = loss_and_gradient(loss, labels, logits, weights)
    more_value, more_gradient = loss_and_gradient(
        loss, more_labels, more_logits, more_weights
    )
    assert more_value == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(more_gradient[:3, :5], gradient, rtol=1e-5, atol=1e-8)
    assert np.abs(gradient[labels != 0]).min() > 0
    more_gradient[:3, :5][labels != 0] = 0
    assert not more_gradient.any()


def plain_cross_entropy(labels, logits, weights, epsilon):
    """The formula as it is written; the backend finds its gradient."""
    label_logits = ops.sum(ops.one_hot(labels, VOCAB) * logits, axis=-1)
    losses = ops.logsumexp(logits, axis=-1) - (1 - epsilon) * label_logits
    losses = losses - epsilon * ops.mean(logits, axis=-1)
    real = ops.convert_to_tensor(weights * (labels != 0), "float32")
    return ops.sum(losses * real)


@pytest.mark.parametrize("scale", [1.0, 300.0])
@pytest.mark.parametrize("epsilon", [0.0, 0.1])
def test_gradient_is_that_of_the_plain_formula(epsilon, scale):
    labels, logits = batch(seed=8)
    logits = scale * logits
    weights = np.random.default_rng(9).uniform(0, 2, size=(3, 5)).astype("float32")
    value, gradient = loss_and_gradient(
        MaskedCrossEntropy(epsilon, reduction="sum"), labels, logits, weights
    )

    def plain(logits):
        return plain_cross_entropy(labels, logits, weights, epsilon)

    (expected,) = gradients(plain, logits)
    assert value == pytest.approx(float(plain(logits)), rel=1e-5)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)
    assert np.abs(expected).max() > 0.5


@pytest.mark.parametrize("weights", [None, 0.0, 1.0])
def test_padding_alone_has_loss_zero_and_gradient_zero(weights):
    _, logits = batch()
    weights = None if weights is None else np.full((3, 5), weights)
    labels = np.zeros((3, 5), "int32")
    value, gradient = loss_and_gradient(
        MaskedCrossEntropy(0.1), labels, logits, weights
    )
    assert value == 0.0
    assert np.array_equal(gradient, np.zeros_like(logits))


def test_labels_may_have_an_axis_of_one_as_in_keras():
    labels, logits = batch(seed=6)
    expected = float(MaskedCrossEntropy()(labels, logits))
    assert float(MaskedCrossEntropy()(labels[..., None], logits)) == expected


@pytest.mark.parametrize("shape", [(3, 4), (4, 5), (3, 5, 2), (5,), (3, 1, 5)])
def test_labels_of_another_shape_are_named(shape):
    labels, logits = batch()
    message = re.escape(f"logits (B, T, V). Received: labels {shape}")
    with pytest.raises(ValueError, match=message):
        MaskedCrossEntropy()(np.ones(shape, "int32"), logits)


def operations(function):
    """The kinds of operation in a traced function of labels and logits."""
    labels, logits = batch()
    import tensorflow as tf

    graph = (
        tf.function(function).get_concrete_function(labels, tf.constant(logits)).graph
    )
    return {operation.type for operation in graph.get_operations()}


@pytest.mark.moderate
@pytest.mark.needs_tensorflow
def test_no_labels_are_spread_out_over_the_vocabulary():
    loss = MaskedCrossEntropy(0.1)
    with_one_hot = operations(lambda y, x: ops.one_hot(y, VOCAB) * x)
    assert "OneHot" in with_one_hot
    assert "OneHot" not in operations(loss)
    assert "OneHot" not in operations(token_negative_log_likelihood)


def test_config_makes_the_same_loss():
    loss = MaskedCrossEntropy(0.3, reduction="sum", name="other", dtype="float64")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is MaskedCrossEntropy
    assert again.get_config() == loss.get_config()
    assert (again.name, again.reduction, again.dtype) == ("other", "sum", "float64")
    labels, logits = batch()
    assert float(again(labels, logits)) == float(loss(labels, logits))


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.0, 1.5])
def test_refuses_smoothing_outside_of_0_to_1(label_smoothing):
    with pytest.raises(ValueError, match=rf"label_smoothing={label_smoothing}"):
        MaskedCrossEntropy(label_smoothing=label_smoothing)


@pytest.mark.needs_tensorflow
def test_a_label_beyond_the_vocabulary_gives_nan_in_compiled_functions():
    import tensorflow as tf

    compiled = tf.function(MaskedCrossEntropy(0.1), jit_compile=True)
    logits = tf.zeros((1, 3, 7))
    assert np.isfinite(compiled(tf.constant([[6, 2, 0]]), logits))
    assert np.isnan(compiled(tf.constant([[7, 2, 0]]), logits))
