"""Dropout of the recurrent model: in all its parts, and in training only."""

import numpy as np
import pytest

from tests.models.small_model import INPUTS, numbers
from tests.models.test_recurrent import (
    TWO_KINDS,
    make_model,
    prefixes,
    shared_model,
    stepped,
)


@pytest.mark.long
@TWO_KINDS
def test_dropout_acts_in_training_only(cell, score):
    model = make_model(cell, score, dropout_rate=0.5)
    model.set_weights(shared_model(cell, score).get_weights())
    calm = numbers(shared_model(cell, score)(INPUTS))
    np.testing.assert_allclose(model(INPUTS), calm, atol=1e-6)
    first, second = (numbers(model(INPUTS, training=True)) for _ in range(2))
    assert np.abs(first - calm).max() > 0.01
    assert np.abs(first - second).max() > 0.01
    target_ids = prefixes(3)
    np.testing.assert_allclose(
        stepped(model, target_ids),
        stepped(shared_model(cell, score), target_ids),
        atol=1e-6,
    )


@pytest.mark.moderate
@pytest.mark.parametrize("part", ["encoder", "decoder", "attention"])
def test_each_dropout_alone_makes_training_random(part):
    model = make_model(dropout_rate=0.5)
    layers = {
        "encoder": model.encoder.dropout,
        "decoder": model.decoder.dropout,
        "attention": model.dropout,
    }
    for name, layer in layers.items():
        layer.rate = 0.5 if name == part else 0.0
    calm = numbers(model(INPUTS))
    assert np.abs(numbers(model(INPUTS, training=True)) - calm).max() > 0.01
