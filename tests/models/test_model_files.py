"""Models are saved in one process and loaded in another; effects of training."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests import reference
from tests.models.small_model import (
    INPUTS,
    NUM_HEADS,
    SOURCE,
    TARGET,
    make_model,
    numbers,
)
from tf_transformer.models import Transformer
from tf_transformer.training import MaskedCrossEntropy, TransformerSchedule

VECTORS = json.loads((Path(__file__).parents[1] / "vectors.json").read_text())

READER = """
import sys
import numpy as np
import keras
import tf_transformer
from tf_transformer.models import Transformer

for name in sys.argv[1:]:
    data = dict(np.load(name + ".npz"))
    inputs = {"source_ids": data["source_ids"], "target_ids": data["target_ids"]}
    model = keras.saving.load_model(name + ".keras")
    logits = keras.ops.convert_to_numpy(model(inputs))
    np.testing.assert_allclose(logits, data["logits"], atol=1e-5)
    fresh = Transformer.from_config(model.get_config())
    logits = keras.ops.convert_to_numpy(fresh(inputs))
    assert np.abs(logits - data["logits"]).max() > 0.01
    fresh.load_weights(name + ".weights.h5")
    logits = keras.ops.convert_to_numpy(fresh(inputs))
    np.testing.assert_allclose(logits, data["logits"], atol=1e-5)
    print(model.dtype_policy.name, model.count_params())
"""


@pytest.mark.slow
def test_files_give_the_same_logits_in_a_fresh_process(tmp_path):
    models = {
        "paper": make_model(dropout_rate=0.1),
        "other": make_model(
            normalize_first=True,
            target_vocab_size=29,
            learned_positions=True,
            activation="gelu",
            dtype="mixed_bfloat16",
        ),
    }
    for name, model in models.items():
        model.save(tmp_path / f"{name}.keras")
        model.save_weights(tmp_path / f"{name}.weights.h5")
        np.savez(tmp_path / f"{name}.npz", **INPUTS, logits=numbers(model(INPUTS)))
    result = subprocess.run(
        [sys.executable, "-c", READER, *(str(tmp_path / name) for name in models)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"{model.dtype_policy.name} {model.count_params()}" for model in models.values()
    ]


@pytest.mark.moderate
@pytest.mark.parametrize("normalize_first", [False, True])
def test_copy_from_config_has_every_argument(normalize_first):
    model = make_model(
        normalize_first,
        target_vocab_size=29,
        dropout_rate=0.21,
        attention_dropout_rate=0.13,
        word_dropout_rate=0.07,
        activation="gelu",
        learned_positions=True,
        dtype="mixed_bfloat16",
        name="little",
    )
    copy = Transformer.from_config(model.get_config())
    assert copy.get_config() == model.get_config()
    assert json.loads(json.dumps(model.get_config())) == model.get_config()
    assert [w.path for w in copy.weights] == [w.path for w in model.weights]
    assert [w.shape for w in copy.weights] == [w.shape for w in model.weights]
    ours, theirs = (
        [layer.get_config() for layer in m._flatten_layers()] for m in (model, copy)
    )
    assert ours == theirs


def batch():
    """The test batch with its labels, one token ahead, and their weights."""
    labels = np.concatenate([TARGET[:, 1:], [[3], [0]]], axis=1)
    labels[1, 2] = 3
    return labels, (labels != 0) / np.sum(labels != 0)


def paper_loss(weights, epsilon):
    logits = reference.logits(weights, SOURCE, TARGET, NUM_HEADS)
    labels, sample_weights = batch()
    return sum(
        sample_weights[i, t] * reference.smoothed_cross_entropy(label, row, epsilon)
        for i, sentence in enumerate(logits)
        for t, (label, row) in enumerate(zip(labels[i], sentence, strict=True))
    )


@pytest.mark.long
@pytest.mark.parametrize("epsilon", [0.0, 0.1])
def test_loss_of_a_batch_is_the_papers(epsilon):
    model = make_model()
    model.compile(loss=MaskedCrossEntropy(label_smoothing=epsilon))
    labels, weights = batch()
    loss = model.evaluate(INPUTS, labels, sample_weight=weights, verbose=0)
    assert loss == pytest.approx(
        paper_loss(reference.weights_of(model), epsilon), rel=1e-4
    )


@pytest.mark.long
def test_one_update_follows_the_slope_of_the_papers_loss():
    """Numerical derivative of the NumPy loss along the gradient that `fit` takes."""
    model = make_model()
    labels, sample_weights = batch()
    start = reference.weights_of(model)
    model.compile(keras.optimizers.SGD(1.0), MaskedCrossEntropy(label_smoothing=0.1))
    model.fit(INPUTS, labels, sample_weight=sample_weights, batch_size=2, verbose=0)
    end = reference.weights_of(model)
    gradient = {path: start[path] - end[path] for path in start}
    # loss(w + h g) - loss(w - h g) = 2 h |g|^2, if g is the gradient
    h = 1e-6
    ahead, behind = (
        paper_loss({path: start[path] + step * gradient[path] for path in start}, 0.1)
        for step in (h, -h)
    )
    expected = sum(np.sum(value**2) for value in gradient.values())
    assert (ahead - behind) / (2 * h) == pytest.approx(expected, rel=1e-3)


@pytest.mark.long
def test_one_update_moves_every_weight():
    model = make_model(target_vocab_size=29, learned_positions=True)
    labels, weights = batch()
    before = [weight.numpy() for weight in model.weights]
    model.compile(keras.optimizers.SGD(1.0), MaskedCrossEntropy())
    model.fit(INPUTS, labels, sample_weight=weights, batch_size=2, verbose=0)
    unmoved = [
        weight.path
        for weight, old in zip(model.weights, before, strict=True)
        if np.abs(weight.numpy() - old).max() < 1e-6
    ]
    # softmax does not depend on a constant added to all scores
    assert all(path.endswith("key/bias") for path in unmoved)
    assert len(unmoved) <= 6


def test_reference_equals_published_numbers():
    """The independent check passes too."""
    case = VECTORS["label_smoothing"]
    loss = reference.smoothed_cross_entropy(
        case["label"], case["logits"], case["epsilon"]
    )
    assert loss == pytest.approx(case["loss"], abs=1e-4)
    schedule = TransformerSchedule(d_model=512, warmup_steps=4000)
    for update, rate in VECTORS["inverse_sqrt_schedule"]["rate_by_update"].items():
        assert reference.learning_rate(int(update), 512, 4000) == pytest.approx(
            rate, rel=1e-6
        )
        assert float(schedule(int(update) - 1)) == pytest.approx(rate, rel=1e-5)
