"""R-Drop: the loss of two passes with different dropout, and its gradient."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from tests.backend import BACKEND, dtype_of, gradients, in_graph
from tests.models.small_model import INPUTS, TARGET
from tests.training.loss_batches import batch, by_reference
from tests.training.small_training import (
    NUM_TOKENS,
    PAIRS,
    dataset,
    element,
    one_layer_model,
)
from tf_transformer.data.update_weights import UpdateWeights
from tf_transformer.models import RecurrentSeq2Seq, TwoPasses
from tf_transformer.training import MaskedCrossEntropy, RDropCrossEntropy
from tf_transformer.training.metrics import NegativeLogLikelihood
from tf_transformer.training.r_drop import symmetric_divergence

ALPHA, EPSILON = 2.5, 0.1
EAGERLY = BACKEND != "jax"  # which compiles each operation of an eager step


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def divergences(first, second):
    """1/2 (KL(p || q) + KL(q || p)) of each token by its definition: (B, T)."""
    p, q = softmax(first.astype("float64")), softmax(second.astype("float64"))
    return np.sum(p * np.log(p / q) + q * np.log(q / p), axis=-1) / 2


def two_outputs():
    labels, first = batch()
    _, second = batch(seed=1)
    return labels, first, second


class TwoOutputs(TwoPasses, keras.Model):
    """A model whose passes give one tensor, then another."""

    def __init__(self, first, second):
        super().__init__()
        self.outputs_of_passes = [first, second]

    def call(self, x, training=None):
        return ops.convert_to_tensor(self.outputs_of_passes[1])


def loss_of_two(labels, first, second, weights=None, **arguments):
    model = TwoOutputs(first, second)
    model.compile(loss=RDropCrossEntropy(ALPHA, **arguments))
    first = ops.convert_to_tensor(first)
    return model.compute_loss(labels, labels, first, weights, training=True)


def test_divergence_is_its_definition_on_each_token():
    _, first, second = two_outputs()
    found = in_graph(symmetric_divergence)(first, second)
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), divergences(first, second), rtol=1e-5
    )


def test_large_common_logits_do_not_change_the_divergence():
    _, first, second = two_outputs()
    found = symmetric_divergence(ops.array(first + 50), ops.array(second - 30))
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), divergences(first, second), rtol=1e-4
    )


def test_gradient_is_that_of_the_definition():
    labels, first, second = two_outputs()
    random = np.random.default_rng(3)
    upstream = random.normal(size=labels.shape).astype("float32")

    def value(first, second):
        return ops.sum(symmetric_divergence(first, second) * ops.array(upstream))

    found = gradients(value, first, second)
    for _ in range(7):  # along random directions, in float64
        directions = random.normal(size=(2, *first.shape))
        step = 1e-5
        ends = [
            np.sum(
                upstream
                * divergences(
                    first.astype("float64") + sign * step * directions[0],
                    second.astype("float64") + sign * step * directions[1],
                )
            )
            for sign in (1, -1)
        ]
        expected = (ends[0] - ends[1]) / (2 * step)
        along = sum(np.sum(g * d) for g, d in zip(found, directions, strict=True))
        assert along == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", ["none", "tokens", "sentences", "update"])
def test_loss_is_the_mean_of_both_passes_and_alpha_times_the_divergence(kind):
    labels, first, second = two_outputs()
    random = np.random.default_rng(4)
    weights, used = None, np.ones(labels.shape)
    if kind != "none":
        shape = labels.shape if kind != "sentences" else (len(labels), 1)
        weights = used = random.uniform(0.2, 3.0, shape).astype("float32")
    used = used * (labels != 0)
    entropies = [by_reference(labels, logits, EPSILON) for logits in (first, second)]
    tokens = sum(entropies) / 2 + ALPHA * divergences(first, second)
    expected = np.sum(tokens * used)
    if kind == "update":
        weights = UpdateWeights(weights)
    else:
        expected = expected / np.sum(used)
    found = loss_of_two(labels, first, second, weights, label_smoothing=EPSILON)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_padding_has_no_divergence():
    labels, first, second = two_outputs()
    loss = RDropCrossEntropy(ALPHA, reduction="none")
    found = ops.convert_to_numpy(loss.consistency(labels, first, second))
    np.testing.assert_array_equal(found == 0, labels == 0)
    second = np.where(labels[..., None], first, second)
    assert float(RDropCrossEntropy(ALPHA).consistency(labels, first, second)) == 0


def test_one_output_has_the_loss_without_r_drop():
    labels, logits = batch()
    plain = MaskedCrossEntropy(EPSILON)(labels, logits)
    assert float(RDropCrossEntropy(ALPHA, label_smoothing=EPSILON)(labels, logits)) == (
        float(plain)
    )


def test_half_precision_is_raised_to_float32():
    labels, first, second = two_outputs()
    halves = (ops.cast(logits, "bfloat16") for logits in (first, second))
    found = RDropCrossEntropy(ALPHA).consistency(labels, *halves)
    assert dtype_of(found) == "float32"


def labels_of_inputs():
    return np.where(TARGET, np.roll(TARGET, -1, axis=1), 0)


def compiled(loss, made):
    model = made()
    metrics = [NegativeLogLikelihood()]
    model.compile(keras.optimizers.SGD(0.3), loss, metrics=metrics, run_eagerly=EAGERLY)
    return model


@pytest.mark.long
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_without_dropout_an_update_is_that_without_r_drop(dtype):
    """Both passes are equal, so the divergence is 0 and so is its gradient."""
    weights = []
    losses = (
        RDropCrossEntropy(ALPHA, label_smoothing=EPSILON),
        MaskedCrossEntropy(EPSILON),
    )
    for loss in losses:
        model = compiled(loss, lambda: one_layer_model(dtype=dtype))
        before = model.get_weights()
        found = model.train_on_batch(INPUTS, labels_of_inputs(), return_dict=True)
        weights.append((found["loss"], found["nll"], *model.get_weights()))
    atol = 1e-6 if dtype == "float32" else 2e-3
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=atol, rtol=1e-5)
    moved = [
        np.abs(one - other).max()
        for one, other in zip(before, weights[0][2:], strict=True)
    ]
    assert max(moved) > 0.05


def recurrent_model():
    return RecurrentSeq2Seq(23, target_vocab_size=29, d_model=12, dropout_rate=0.4)


@pytest.mark.moderate
@pytest.mark.parametrize(
    "made",
    [
        functools.partial(one_layer_model, dropout_rate=0.4),
        pytest.param(recurrent_model, marks=pytest.mark.long),
    ],
)
def test_dropout_differs_between_the_passes_and_validation_makes_one(made):
    model = compiled(RDropCrossEntropy(alpha=1e4), made)
    labels = labels_of_inputs()
    trained = model.train_on_batch(INPUTS, labels, return_dict=True)
    assert trained["loss"] > 100 * trained["nll"]
    found = model.test_on_batch(INPUTS, labels, return_dict=True)
    assert found["loss"] == pytest.approx(found["nll"], rel=1e-5)


@pytest.mark.long
@pytest.mark.skipif(BACKEND == "torch", reason="dropout uses PyTorch's own state")
def test_second_pass_advances_the_random_state():
    states = []
    for loss in (MaskedCrossEntropy(), RDropCrossEntropy(ALPHA)):
        model = compiled(loss, lambda: one_layer_model(dropout_rate=0.4))
        model.train_on_batch(INPUTS, labels_of_inputs())
        states.append([int(np.array(v)[1]) for v in model._random_state()])
    assert states[1] == [2 * calls for calls in states[0]] != [0] * len(states[0])


@pytest.mark.long
def test_accumulated_batches_are_one_update():
    """2 batches of 3 sentences against one of 6; no dropout, so passes are equal."""
    weights = []
    for num_batches in (1, 2):
        size = len(PAIRS) // num_batches
        elements = [
            element(PAIRS[i : i + size], num_batches / NUM_TOKENS)
            for i in range(0, len(PAIRS), size)
        ]
        model = one_layer_model()
        steps = num_batches if num_batches > 1 else None
        optimizer = keras.optimizers.SGD(0.5, gradient_accumulation_steps=steps)
        model.compile(optimizer, RDropCrossEntropy(ALPHA), run_eagerly=EAGERLY)
        model.fit(dataset(elements), shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6, rtol=1e-5)


def test_loss_is_made_again_from_its_configuration():
    loss = RDropCrossEntropy(ALPHA, label_smoothing=EPSILON, reduction="sum")
    made = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(loss)
    )
    assert type(made) is RDropCrossEntropy
    assert made.get_config() == loss.get_config()
    assert (made.alpha, made.label_smoothing, made.reduction) == (ALPHA, EPSILON, "sum")


@pytest.mark.parametrize("alpha", [0, -1.0, float("inf"), float("nan")])
def test_refuses_alpha_that_is_no_positive_number(alpha):
    with pytest.raises(ValueError, match=f"above 0.*Received: alpha={alpha}"):
        RDropCrossEntropy(alpha)


def test_a_list_or_dictionary_of_one_loss_is_that_loss():
    losses = []
    for wrap in (lambda x: x, lambda x: [x], lambda x: {"logits": x}):
        keras.utils.set_random_seed(1)
        ids = keras.Input((None,), dtype="int32")
        vectors = keras.layers.Dropout(0.5, seed=2)(keras.layers.Embedding(23, 8)(ids))
        outputs = keras.layers.Dense(9, name="logits")(vectors)
        if isinstance(wrap(None), dict):
            outputs = {"logits": outputs}
        model = Tagger(ids, outputs)
        model.compile("sgd", wrap(RDropCrossEntropy(1e5)))
        labels = INPUTS["source_ids"] % 9
        losses.append(model.train_on_batch(INPUTS["source_ids"], wrap(labels)))
    assert losses[1:] == pytest.approx(2 * losses[:1], rel=1e-5)
    model.compile("sgd", {"logits": MaskedCrossEntropy()})
    plain = model.train_on_batch(INPUTS["source_ids"], {"logits": labels})
    assert losses[0] > plain + 1


@pytest.mark.parametrize(("others", "weights"), [([], [0.1]), (["mse"], None)])
def test_two_passes_have_no_other_loss_and_no_weight(others, weights):
    labels, first, second = two_outputs()
    model = TwoOutputs(first, second)
    model.compile(loss=[RDropCrossEntropy(ALPHA), *others], loss_weights=weights)
    with pytest.raises(ValueError, match="Expected no other loss and no loss_weights"):
        model.compute_loss(labels, labels, first, training=True)


class Tagger(TwoPasses, keras.Model):
    """A functional model that is trained with two passes."""
