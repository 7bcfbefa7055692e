"""An update follows the mean over its tokens, however it is cut into batches."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from small_training import (
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


@pytest.mark.parametrize("num_batches", [1, 2, 3])
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


def test_means_of_each_batch_would_be_another_update():
    halves = [element(PAIRS[i : i + 3], 1.0) for i in (0, 3)]
    means = [(x, y, weights / weights.sum()) for x, y, weights in halves]
    expected = weights_after([[element(PAIRS, 1.0)]])
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same_weights(fitted(means, 2), expected)


def test_padded_batches_of_an_update_add_nothing():
    whole = element(PAIRS, 2 / NUM_TOKENS)
    nothing = element([("", "")], 0.0)
    nothing = tuple(
        {name: ids * 0 for name, ids in part.items()} if i == 0 else part * 0
        for i, part in enumerate(nothing)
    )
    expected = weights_after([[element(PAIRS, 1.0)]])
    assert_same_weights(fitted([whole, nothing], 2), expected)


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


def test_two_devices_make_the_update_of_one():
    script = Path(__file__).with_name("two_devices.py")
    answer = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    found = json.loads(answer.stdout.splitlines()[-1])
    print(found)
    assert found["num_replicas"] == 2
    assert found["tokens_of_replicas"] == [[18, 5], [5, 18]]
    assert found["moved"] > 0.05
    assert found["largest_difference"] < 2e-6
    np.testing.assert_allclose(found["two"]["nll"], found["one"]["nll"], rtol=1e-5)
    # Keras' own average over batches and replicas agrees as well
    np.testing.assert_allclose(found["two"]["loss"], found["one"]["loss"], rtol=1e-5)
