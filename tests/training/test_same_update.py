"""An update is the mean over its tokens, however it is divided into batches."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.fast import FAST
from tests.training.small_training import (
    NUM_TOKENS,
    PAIRS,
    RATE,
    NumberTokenizer,
    assert_same_weights,
    dataset,
    element,
    one_layer_model,
    weights_after,
)
from tf_transformer.data.batching import Batches
from tf_transformer.training.losses import MaskedCrossEntropy

ROOT = Path(__file__).parents[2]


def fitted(elements, steps=1, run_eagerly=True):
    """Weights after a real `fit` over the elements."""
    model = one_layer_model()
    optimizer = keras.optimizers.SGD(
        RATE, gradient_accumulation_steps=steps if steps > 1 else None
    )
    model.compile(
        optimizer=optimizer, loss=MaskedCrossEntropy(), run_eagerly=run_eagerly
    )
    model.fit(dataset(elements), epochs=1, shuffle=False, verbose=0)
    return model.get_weights()


@pytest.mark.moderate
@pytest.mark.parametrize(
    "num_batches",
    [
        pytest.param(1, marks=pytest.mark.long),
        2,
        pytest.param(3, marks=pytest.mark.long),
    ],
)
def test_one_update_of_6_sentences_is_2_times_3_and_3_times_2(num_batches):
    size = len(PAIRS) // num_batches
    elements = [
        element(PAIRS[i : i + size], num_batches / NUM_TOKENS)
        for i in range(0, len(PAIRS), size)
    ]
    num_tokens = [int((labels != 0).sum()) for _, labels, _ in elements]
    assert sum(num_tokens) == NUM_TOKENS
    assert num_batches == 1 or len(set(num_tokens)) > 1
    expected = weights_after([[element(PAIRS, 1.0)]])
    assert_same_weights(fitted(elements, num_batches), expected)


@pytest.mark.moderate
@pytest.mark.parametrize("weights", [np.ones(3), np.ones((3, 12))], ids=str)
def test_own_weights_with_accumulation_give_the_mean_of_means(weights):
    """As in Keras: a mean, for any weights."""
    halves = [element(PAIRS[i : i + 3], 1.0) for i in (0, 3)]
    model = one_layer_model()
    optimizer = keras.optimizers.SGD(RATE, gradient_accumulation_steps=2)
    model.compile(optimizer=optimizer, loss=MaskedCrossEntropy(), run_eagerly=True)
    for inputs, labels, _ in halves:
        model.train_on_batch(inputs, labels, weights)
    means = [(x, y, w / w.sum()) for x, y, w in halves]
    assert_same_weights(model.get_weights(), fitted(means, 2))


@pytest.mark.moderate
def test_means_of_each_batch_would_be_another_update():
    halves = [element(PAIRS[i : i + 3], 1.0) for i in (0, 3)]
    means = [(x, y, weights / weights.sum()) for x, y, weights in halves]
    expected = weights_after([[element(PAIRS, 1.0)]])
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same_weights(fitted(means, 2), expected)


@pytest.mark.long
def test_padded_batches_of_an_update_add_nothing():
    whole = element(PAIRS, 2 / NUM_TOKENS)
    nothing = element([("", "")], 0.0)
    nothing = tuple(
        {name: ids * 0 for name, ids in part.items()} if i == 0 else part * 0
        for i, part in enumerate(nothing)
    )
    expected = weights_after([[element(PAIRS, 1.0)]])
    assert_same_weights(fitted([whole, nothing], 2), expected)


@pytest.mark.slow
def test_batches_with_accumulation_make_the_updates_of_their_tokens():
    batches = Batches(
        PAIRS, NumberTokenizer(), batch_tokens=17, gradient_accumulation_steps=2
    )
    elements = [batches.batch_at(0, i) for i in range(len(batches))]
    updates = [elements[i : i + 2] for i in range(0, len(elements), 2)]
    assert len(updates) >= 2
    for update in updates:
        assert sum(weights.sum() for *_, weights in update) == pytest.approx(2)
    # an update whose batches differ, or their own means would do as well
    tokens = [[int((labels != 0).sum()) for _, labels, _ in one] for one in updates]
    assert any(len(set(counts)) > 1 and min(counts) > 0 for counts in tokens)
    found = fitted(elements, 2, run_eagerly=False)
    assert_same_weights(found, weights_after(updates), atol=5e-6)


def test_batches_weigh_tokens_by_their_update():
    steps = 3
    batches = Batches(
        PAIRS, NumberTokenizer(), batch_tokens=14, gradient_accumulation_steps=steps
    )
    weights = [batches.batch_at(0, i)[2] for i in range(len(batches))]
    assert len(weights) == 2 * steps
    for update in (weights[:steps], weights[steps:]):
        num_tokens = sum(int((part > 0).sum()) for part in update)
        for part in update:
            np.testing.assert_allclose(part[part > 0], steps / num_tokens, rtol=1e-6)


@pytest.fixture(scope="module")
def table():
    """What `update_variants.py` measured, in a process with four logical devices."""
    command = [sys.executable, "-m", "tests.training.update_variants"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-3000:]
    print(answer.stdout)
    return json.loads(answer.stdout.splitlines()[-1])


@pytest.mark.needs_tensorflow
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("1 x 64", marks=pytest.mark.full),
        pytest.param("2 accumulated x 32", marks=pytest.mark.full),
        "4 accumulated x 16",
        # the rows that replicas cannot share and own data are on 2 replicas too
        pytest.param("64 on 2 replicas", marks=pytest.mark.full),
        pytest.param("64 on 4 replicas", marks=pytest.mark.full),
    ],
)
def test_64_sentences_make_one_update_however_computed(table, name):
    found = table["updates"][name]
    tokens = found["tokens"]
    assert len(tokens) == 1 or max(tokens) > 2 * min(tokens)
    assert table["updates"]["moved"] > 0.2
    assert found["weights"] < 2e-5
    assert found["nll"] < 1e-5
    assert found["rate"] < 1e-7


@pytest.mark.needs_tensorflow
@pytest.mark.slow
@pytest.mark.parametrize("num_replicas", [2, pytest.param(4, marks=pytest.mark.full)])
def test_rows_that_replicas_cannot_share_make_the_same_updates(table, num_replicas):
    uneven = table["uneven"]
    assert uneven["rows"][0] % 2 == 1
    assert {rows % 4 for rows in uneven["rows"]} == {0, 1, 2, 3}
    found = uneven[str(num_replicas)]
    assert found["weights"] < 2e-5
    assert found["nll"] < 1e-5
    assert found["evaluated"] < 1e-5


@pytest.mark.needs_tensorflow
@pytest.mark.slow
def test_own_data_makes_the_same_mean_on_one_device_and_on_two(table):
    own = table["own"]
    assert len(own) == (3 if FAST else 5)
    for name, found in own.items():
        assert found["weights"] < 2e-5, name
        assert found.get("loss", 0) < 1e-5, name


@pytest.mark.needs_tensorflow
@pytest.mark.slow
def test_real_strategies_are_refused_at_compile(table):
    said = table["refusals"]
    assert said["accumulation"].endswith("gradient_accumulation_steps=2 on 2 replicas")
    assert said["clipping"].endswith("global_clipnorm=0.5 on 2 replicas")
    assert said["several hosts"].endswith("Received: MultiWorkerMirroredStrategy")


def test_clipping_comes_after_accumulation():
    """On one device the mean of the micro-batches' gradients is clipped."""
    gradients = np.array([[3.0, -4.0, 0.5], [1.0, -0.5, 0.25]], "float32")
    mean = gradients.mean(axis=0)  # 2, -2.25, 0.375
    norm = np.linalg.norm(mean)
    for settings, expected in (
        ({"clipnorm": 0.7}, mean * 0.7 / norm),
        ({"global_clipnorm": 0.9}, mean * 0.9 / norm),
        ({"clipvalue": 2.1}, np.array([2.0, -2.1, 0.375])),
    ):
        variable = keras.Variable(np.zeros(3, "float32"))
        optimizer = keras.optimizers.SGD(1.0, gradient_accumulation_steps=2, **settings)
        for gradient in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        np.testing.assert_allclose(-variable.numpy(), expected, rtol=1e-5)


def test_class_weights_are_refused():
    """Keras takes the position of the largest label in a sentence as its class."""
    inputs, labels, _ = element(PAIRS, 1.0)
    model = one_layer_model()
    model.compile(keras.optimizers.SGD(0.0), MaskedCrossEntropy())
    for update in (model.fit, model.train_on_batch):
        with pytest.raises(ValueError, match="sample_weight.*Received: class_weight"):
            update(inputs, labels, class_weight={7: 2.0})
