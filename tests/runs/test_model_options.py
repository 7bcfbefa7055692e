"""A run's options for the model's inside: normalization, telemetry, pictures."""

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tf_transformer.layers.recurrent.score_functions import SCORE_FUNCTIONS
from tf_transformer.models import ARCHITECTURES
from tf_transformer.models.presets import PRESETS, RECURRENT_PRESETS
from tf_transformer.runs.choices import CHOICES
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.training import train


def test_allowed_values_are_those_of_the_models():
    # runs/choices.py repeats names, because `--help` must not import Keras
    assert CHOICES["architecture"] == tuple(ARCHITECTURES)
    assert CHOICES["score"] == (*SCORE_FUNCTIONS, "none")
    assert CHOICES["preset"] == tuple(PRESETS) == tuple(RECURRENT_PRESETS)


def test_recurrent_model_has_no_normalization_to_choose():
    config = TrainingConfig(architecture="recurrent", normalization="rms")
    with pytest.raises(ValueError, match="Only the Transformer.*normalization='rms'"):
        config.resolved()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normalization": "instance"}, "Unknown normalization.*'instance'"),
        ({"telemetry": 0}, "telemetry must be at least 1. Received: 0"),
    ],
)
def test_wrong_option_is_an_error(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**changes).resolved()


@pytest.mark.slow
@pytest.mark.needs_tensorflow
def test_run_has_the_normalization_and_writes_what_is_inside(tmp_path):
    pytest.importorskip("matplotlib")
    letters = np.random.default_rng(7).choice(list("abcdefg"), (150, 4))
    lines = [f"{' '.join(row)}\t{' '.join(row[::-1])}" for row in letters]
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = TrainingConfig(
        data=str(path),
        vocab_size=280,
        epochs=1,
        batch_tokens=128,
        validation_sentences=2,
        normalization="rms",
        normalize_first=True,
        telemetry=3,
        attention_images=1,
    )
    run = train(config, tmp_path / "run")
    model = run.translator().model
    norm = model.decoder.blocks[0].feed_forward_norm
    assert type(norm) is keras.layers.RMSNormalization
    assert model.normalize_first
    # RMSNorm has a scale and no shift
    assert "beta" not in {w.path.rpartition("/")[2] for w in model.weights}
    events = EventAccumulator(str(run.logs), size_guidance={"tensors": 0}).Reload()
    tag = "attention_score_std/encoder/block_0/attention"
    points = [event.step for event in events.Tensors(tag)]
    assert points[:2] == [3, 6]
    assert [event.step for event in events.Tensors("attention_cross/1")] == [1]
