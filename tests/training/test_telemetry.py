"""Telemetry: its figures by hand, and no effect on training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.models.small_model import INPUTS, TARGET, make_model, numbers
from tf_transformer.layers.intermediates import capture_intermediates
from tf_transformer.training.attention_statistics import attention_statistics
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.telemetry import Telemetry

pytestmark = pytest.mark.needs_tensorflow  # TensorBoard

LABELS = np.array([[7, 12, 19, 21, 3], [14, 5, 3, 0, 0]], "int32")
WEIGHTS = np.float32(LABELS != 0) / 8
BATCH = INPUTS, LABELS, WEIGHTS


def test_statistics_are_those_of_loops():
    random = np.random.default_rng(7)
    query, keys = random.normal(size=(2, 3, 5, 4)), random.normal(size=(2, 3, 7, 4))
    allowed = random.random((2, 5, 7)) < 0.6
    allowed[0, 2] = False  # a query that may attend to nothing
    is_query = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], bool)
    weights = np.zeros((2, 3, 5, 7))
    deviations, entropies, saturated = [], [], []
    for b, h, t in np.ndindex(2, 3, 5):
        seen = [s for s in range(7) if allowed[b, t, s]]
        if not seen:
            continue
        scores = np.array([query[b, h, t] @ keys[b, h, s] / 2 for s in seen])
        # a few queries are made sure of themselves
        softmax = np.exp(scores * (30 if t == 1 else 1))
        softmax /= softmax.sum()
        weights[b, h, t, seen] = softmax
        if is_query[b, t]:
            deviations.extend(scores - scores.mean())
            entropies.append(-sum(a * np.log(a) for a in softmax if a > 1e-20))
            saturated.append(softmax.max() > 0.99)
    found = attention_statistics(query, keys, weights, allowed[:, None], is_query)
    expected = {
        "score_std": np.sqrt(np.mean(np.square(deviations))),
        "saturation": np.mean(saturated),
        "entropy": np.mean(entropies),
    }
    assert 0.05 < expected["saturation"] < 0.9
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(numbers(found[name]), value, rtol=1e-5)


def trained(*callbacks, epochs=7):
    model = make_model(dropout_rate=0.2)
    model.compile(keras.optimizers.Adam(1e-3), loss=MaskedCrossEntropy())
    data = tf.data.Dataset.from_tensors(BATCH)
    model.fit(data, shuffle=False, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return model


def scalars(folder):
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    return {
        tag: {
            e.step: float(tf.make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)
        }
        for tag in events.Tags()["tensors"]
    }


@pytest.mark.slow
def test_training_is_bit_for_bit_the_same_and_figures_come_every_few_updates(tmp_path):
    plain = trained()
    watched = trained(Telemetry(tmp_path, BATCH, every=3))
    for one, other in zip(plain.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    found = scalars(tmp_path)
    assert {tuple(points) for points in found.values()} == {(3, 6)}
    for name in ("block_0", "block_1"):
        assert f"activation/encoder/{name}" in found
        assert f"gradient/decoder/{name}" in found
        for figure in ("score_std", "saturation", "entropy"):
            assert f"attention_{figure}/decoder/{name}/cross_attention" in found
    assert "gradient/embedding" in found


@pytest.mark.slow
def test_figures_are_those_of_the_model_at_that_update(tmp_path):
    model = trained(Telemetry(tmp_path, BATCH, every=3), epochs=3)
    found = {tag: points[3] for tag, points in scalars(tmp_path).items()}
    with capture_intermediates() as captured, tf.GradientTape() as tape:
        logits = model(INPUTS, training=False)
        losses = keras.losses.sparse_categorical_crossentropy(
            LABELS, logits, from_logits=True
        )
        loss = tf.reduce_sum(losses * WEIGHTS)
    block = model.decoder.blocks[1]
    rows = numbers(captured[block]["output"])[TARGET != 0]
    activation = np.sqrt(np.mean(rows**2))
    np.testing.assert_allclose(
        found["activation/decoder/block_1"], activation, rtol=1e-4
    )
    gradients = tape.gradient(loss, [v.value for v in block.trainable_variables])
    norm = np.sqrt(sum(np.sum(numbers(g) ** 2) for g in gradients))
    np.testing.assert_allclose(found["gradient/decoder/block_1"], norm, rtol=1e-4)
    # entropy of cross-attention from its weights, over the eight real positions
    weights = numbers(captured[block.cross_attention]["weights"])
    entropy = -np.sum(weights * np.log(np.maximum(weights, 1e-30)), axis=-1)
    np.testing.assert_allclose(
        found["attention_entropy/decoder/block_1/cross_attention"],
        entropy.transpose(0, 2, 1)[TARGET != 0].mean(),
        rtol=1e-4,
    )
