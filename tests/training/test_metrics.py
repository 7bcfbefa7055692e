"""Metrics are exact means over real tokens, independent of the batches."""

import math

import keras
import numpy as np
import pytest

from tests import reference
from tests.backend import dtype_of
from tests.models.small_model import NUM_HEADS, shared_model
from tests.training.small_training import PAIRS, NumberTokenizer, one_layer_model
from tf_transformer.data.batching import Batches
from tf_transformer.data.datasets import as_keras_dataset
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.metrics import (
    MaskedAccuracy,
    NegativeLogLikelihood,
    Perplexity,
)

VOCAB = 7
METRICS = [MaskedAccuracy, NegativeLogLikelihood, Perplexity]
EVERY_METRIC = pytest.mark.parametrize("metric_class", METRICS)


def batch(shape, num_padded, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(1, VOCAB, size=shape, dtype="int32")
    labels[0, shape[1] - num_padded :] = 0
    logits = random.normal(scale=2.0, size=(*shape, VOCAB)).astype("float32")
    return labels, logits


def expected_means(batches):
    """Accuracy, -ln P and perplexity, token after token."""
    right, losses = [], []
    for labels, logits in batches:
        for place in zip(*np.nonzero(labels), strict=True):
            right.append(np.argmax(logits[place]) == labels[place])
            losses.append(
                reference.smoothed_cross_entropy(labels[place], logits[place], 0.0)
            )
    nll = np.mean(losses)
    return {"accuracy": np.mean(right), "nll": nll, "perplexity": math.exp(nll)}


def result(metric, batches):
    metric.reset_state()
    for labels, logits in batches:
        metric.update_state(labels, logits)
    return float(metric.result())


@EVERY_METRIC
def test_is_the_mean_over_tokens_of_batches_of_unequal_size(metric_class):
    batches = [batch((1, 4), 3, 0), batch((3, 6), 2, 1), batch((2, 3), 1, 2)]
    batches[0][1][0, 0] = np.eye(VOCAB)[batches[0][0][0, 0]] * 5  # one easy token
    metric = metric_class()
    expected = expected_means(batches)[metric.name]
    assert result(metric, batches) == pytest.approx(expected, rel=1e-5)
    mean_of_batches = np.mean([result(metric, [one]) for one in batches])
    assert abs(mean_of_batches - expected) > 0.01


@EVERY_METRIC
def test_padding_never_counts(metric_class):
    labels, logits = batch((3, 6), 2, 3)
    more_labels = np.pad(labels, ((0, 2), (0, 5)))
    more_logits = np.pad(logits, ((0, 2), (0, 5), (0, 0)))
    more_logits[more_labels == 0] = np.eye(VOCAB)[0] * 9  # padding well predicted
    metric = metric_class()
    expected = result(metric, [(labels, logits)])
    found = result(metric, [(more_labels, more_logits)])
    assert found == pytest.approx(expected, rel=1e-6)


@EVERY_METRIC
def test_padding_alone_gives_a_number(metric_class):
    labels, logits = batch((2, 4), 0, 4)
    expected = {"accuracy": 0.0, "nll": 0.0, "perplexity": 1.0}
    metric = metric_class()
    assert result(metric, [(labels * 0, logits)]) == expected[metric.name]


@EVERY_METRIC
@pytest.mark.parametrize("shape", [(2, 5), (2, 1), (2,)])
def test_weights_weigh_the_mean_as_in_keras(metric_class, shape):
    metric, pairs = metric_class(), [batch((2, 5), 3, 5), batch((2, 5), 1, 6)]
    kind = keras.metrics.SparseCategoricalAccuracy
    if metric.name != "accuracy":
        kind = keras.metrics.SparseCategoricalCrossentropy
    settings = {} if metric.name == "accuracy" else {"from_logits": True}
    reference_metric = kind(**settings)
    for seed, (labels, logits) in enumerate(pairs):
        weights = np.random.default_rng(seed).uniform(0, 3, shape).astype("float32")
        metric.update_state(labels, logits, weights)
        full = np.broadcast_to(weights.reshape((2, -1)), (2, 5)) * (labels != 0)
        reference_metric.update_state(labels, logits, full)
    expected = float(reference_metric.result())
    if metric.name == "perplexity":
        expected = math.exp(expected)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_accuracy_by_hand():
    # ranked first: 2, 1, 3 and 2; right: the first and the third of three tokens
    logits = [[[0, 1, 5, 0], [0, 3, 2, 1]], [[1, 1, 1, 2], [0, 0, 9, 0]]]
    accuracy = MaskedAccuracy()
    accuracy.update_state([[2, 2], [3, 0]], np.array(logits, "float32"))
    assert float(accuracy.result()) == pytest.approx(2 / 3)


def test_perplexity_of_even_guesses_is_the_number_of_classes():
    perplexity = Perplexity()
    perplexity.update_state([[4, 1, 0]], np.zeros((1, 3, VOCAB)))
    assert float(perplexity.result()) == pytest.approx(VOCAB, rel=1e-6)


@pytest.mark.long
def test_evaluate_gives_plain_means_under_a_smoothed_loss():
    model = shared_model()
    random = np.random.default_rng(6)
    source, labels = (random.integers(4, 23, (5, n), dtype="int32") for n in (7, 6))
    labels[0, 2:] = labels[3, 4:] = source[2, 3:] = 0
    target = np.where(labels != 0, np.pad(labels, ((0, 0), (1, 0)))[:, :-1], 0)
    target[:, 0] = 2
    model.compile(
        loss=MaskedCrossEntropy(label_smoothing=0.4),
        metrics=[metric_class() for metric_class in METRICS],
    )
    # batches of 2, 2 and 1 sentences
    inputs = {"source_ids": source, "target_ids": target}
    found = model.evaluate(inputs, labels, batch_size=2, verbose=0, return_dict=True)
    logits = reference.logits(reference.weights_of(model), source, target, NUM_HEADS)
    expected = expected_means([(labels, logits)])
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4)
    assert abs(found["loss"] - found["nll"]) > 0.01


@EVERY_METRIC
def test_config_makes_the_same_metric(metric_class):
    metric = metric_class(name="other")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is metric_class
    assert again.get_config() == metric.get_config()


@EVERY_METRIC
def test_mixed_policies_count_in_float32(metric_class):
    keras.config.set_dtype_policy("mixed_float16")
    metric = metric_class()
    labels, logits = batch((2, 5), 1, 7)
    expected = expected_means([(labels, logits)])[metric.name]
    # 2700 tokens in steps of 90: float16 cannot represent 2701
    many = np.tile(labels, (10, 1)), np.tile(logits, (10, 1, 1))
    assert result(metric, [many] * 30) == pytest.approx(expected, rel=1e-5)
    assert metric.count.dtype == dtype_of(metric.result()) == "float32"


def test_of_equal_logits_the_first_token_is_ranked_first():
    logits = np.array([[[0.0, 1.0, 3.0, 3.0], [0.0, 1.0, 3.0, 3.0]]], "float32")
    metric = MaskedAccuracy()
    metric.update_state([[2, 3]], logits)
    assert float(metric.result()) == 0.5


@pytest.mark.long
@pytest.mark.parametrize("steps", [1, 2])
def test_weights_of_batches_make_a_mean_over_updates(steps):
    """Keras passes them to `weighted_metrics`, marked or not."""
    fed = Batches(
        PAIRS, NumberTokenizer(), batch_tokens=17, gradient_accumulation_steps=steps
    )
    model = one_layer_model()
    model.compile(
        loss=MaskedCrossEntropy(),
        weighted_metrics=[NegativeLogLikelihood()],
        metrics=[NegativeLogLikelihood(name="plain")],
        run_eagerly=True,
    )
    found = model.evaluate(as_keras_dataset(fed), verbose=0, return_dict=True)
    elements = list(fed.elements(0))
    nll = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction=None, ignore_class=0
    )
    sums, counts = [], []
    for i in range(0, len(elements), steps):
        update = elements[i : i + steps]
        losses = [np.asarray(nll(y, model(x, training=False))) for x, y, _ in update]
        sums.append(sum(loss.sum() for loss in losses))
        counts.append(sum((y != 0).sum() for _, y, _ in update))
    assert len(set(counts)) > 1
    means = np.array(sums) / np.array(counts)
    assert found["nll"] == pytest.approx(means.mean(), rel=1e-5)
    assert found["plain"] == pytest.approx(sum(sums) / sum(counts), rel=1e-5)


@pytest.mark.parametrize(
    ("monitor", "best"),
    [("val_accuracy", 0.7), ("val_perplexity", 0.5), ("val_nll", 0.5)],
)
def test_callbacks_know_which_value_is_the_best(monitor, best):
    model = one_layer_model()
    metrics = [kind() for kind in METRICS]
    model.compile(loss=MaskedCrossEntropy(), metrics=metrics, run_eagerly=True)
    [(inputs, labels, _), *_] = Batches(PAIRS, NumberTokenizer())
    model.train_on_batch(inputs, labels)
    stopping = keras.callbacks.EarlyStopping(monitor, patience=3)
    stopping.set_model(model)
    stopping.on_train_begin()
    for epoch, value in enumerate([0.6, 0.7, 0.5]):
        stopping.on_epoch_end(epoch, {monitor: value})
    assert stopping.best == best


@pytest.mark.parametrize("wrong", [-100, VOCAB])
def test_a_label_outside_the_vocabulary_is_an_error(wrong):
    labels, logits = np.array([[2, wrong, 0]]), np.zeros((1, 3, VOCAB), "float32")
    message = f"0 for padding, and 1 to {VOCAB - 1}. Received: {wrong}"
    for function in (MaskedCrossEntropy(), MaskedAccuracy().update_state):
        with pytest.raises(ValueError, match=message):
            function(labels, logits)


@pytest.mark.needs_tensorflow
@pytest.mark.parametrize("wrong", [-100, VOCAB])
def test_a_label_outside_the_vocabulary_gives_nan_in_compiled_functions(wrong):
    import tensorflow as tf

    metric, logits = MaskedAccuracy(), np.zeros((1, 3, VOCAB), "float32")
    tf.function(metric.update_state)(tf.constant([[2, wrong, 0]]), logits)
    assert math.isnan(float(metric.result()))
