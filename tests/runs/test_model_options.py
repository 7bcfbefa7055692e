"""Options of a run that concern the model: normalization, telemetry, pictures."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tf_transformer.layers import SSRUDecoder
from tf_transformer.layers.recurrent.score_functions import SCORE_FUNCTIONS
from tf_transformer.models import ARCHITECTURES
from tf_transformer.models.presets import PRESETS, RECURRENT_PRESETS
from tf_transformer.runs.choices import CHOICES
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.training import make_model, train


def test_allowed_values_are_those_of_the_models():
    # runs/choices.py repeats names, because `--help` must not import Keras
    assert CHOICES["architecture"] == tuple(ARCHITECTURES)
    assert CHOICES["score"] == (*SCORE_FUNCTIONS, "none")
    assert CHOICES["preset"] == tuple(PRESETS) == tuple(RECURRENT_PRESETS)


def test_recurrent_model_has_no_normalization_to_choose():
    config = TrainingConfig(architecture="recurrent", normalization="rms")
    with pytest.raises(ValueError, match="Only the Transformer.*normalization='rms'"):
        config.resolved()


def test_recurrent_model_has_no_decoder_to_choose():
    config = TrainingConfig(
        architecture="recurrent", decoder="ssru", num_decoder_layers=1
    )
    with pytest.raises(
        ValueError, match="Only the Transformer.*num_decoder_layers=1, decoder='ssru'"
    ):
        config.resolved()


@pytest.mark.moderate
def test_model_of_a_run_has_the_sizes_and_the_decoder():
    sizes = {"d_model": 12, "num_heads": 3, "d_ff": 17}
    depths = {"num_encoder_layers": 3, "num_decoder_layers": 1}
    rates = {"attention_dropout_rate": 0.13, "word_dropout_rate": 0.07}
    config = TrainingConfig(**sizes, **depths, **rates, decoder="ssru")
    tokenizer = SimpleNamespace(vocab_size=23, target_vocab_size=None)
    model = make_model(config.resolved(), tokenizer)
    assert {name: getattr(model, name) for name in sizes} == sizes
    assert {name: getattr(model, name) for name in rates} == rates
    assert (model.encoder.num_layers, model.decoder.num_layers) == (3, 1)
    assert type(model.decoder) is SSRUDecoder
    default = make_model(TrainingConfig().resolved(), tokenizer)
    assert (default.d_model, default.num_heads, default.d_ff) == (128, 4, 512)
    assert default.decoder.num_layers == 2


def test_recurrent_model_of_a_run_has_the_width():
    config = TrainingConfig(architecture="recurrent", d_model=14)
    tokenizer = SimpleNamespace(vocab_size=23, target_vocab_size=None)
    assert make_model(config.resolved(), tokenizer).d_model == 14


@pytest.mark.parametrize(
    ("score", "expected"), [("additive", "additive"), ("none", None)]
)
def test_recurrent_model_of_a_run_has_the_score(score, expected):
    config = TrainingConfig(architecture="recurrent", d_model=14, score=score)
    tokenizer = SimpleNamespace(vocab_size=23, target_vocab_size=None)
    assert make_model(config.resolved(), tokenizer).score == expected


@pytest.mark.parametrize(
    ("preset", "normalize_first", "expected"),
    [("tiny", None, False), ("small", None, True), ("small", False, False)],
)
def test_a_preset_is_pre_norm_or_post_norm(preset, normalize_first, expected):
    config = TrainingConfig(preset=preset, normalize_first=normalize_first).resolved()
    assert config.normalize_first is expected  # is stored, whatever presets become
    tokenizer = SimpleNamespace(vocab_size=23, target_vocab_size=None)
    assert make_model(config, tokenizer).normalize_first is expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normalization": "instance"}, "Unknown normalization.*'instance'"),
        ({"decoder": "gru"}, "Unknown decoder.*self_attention, ssru.*'gru'"),
        ({"num_encoder_layers": 0}, "num_encoder_layers must be at least 1"),
        ({"d_ff": 0}, "d_ff must be at least 1"),
        ({"architecture": "recurrent", "num_heads": 3}, "Only.*num_heads=3"),
        ({"architecture": "recurrent", "word_dropout_rate": 0.1}, "Only.*word_dropout"),
        ({"attention_dropout_rate": 1.0}, r"attention_dropout_rate must .*\[0, 1\)"),
        ({"word_dropout_rate": -0.1}, r"word_dropout_rate must .*\[0, 1\)"),
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
        decoder="ssru",
        telemetry=3,
        attention_images=1,
    )
    run = train(config, tmp_path / "run")
    model = run.translator().model
    norm = model.decoder.blocks[0].feed_forward_norm
    assert type(norm) is keras.layers.RMSNormalization
    assert model.normalize_first
    other = run.translator(dtype="mixed_bfloat16").model.decoder.blocks[0]
    assert (norm.compute_dtype, other.compute_dtype) == ("float32", "bfloat16")
    # RMSNorm has a scale and no shift
    assert "beta" not in {w.path.rpartition("/")[2] for w in model.weights}
    events = EventAccumulator(str(run.logs), size_guidance={"tensors": 0}).Reload()
    tag = "attention_score_std/encoder/block_0/attention"
    points = [event.step for event in events.Tensors(tag)]
    assert points[:2] == [3, 6]
    assert [event.step for event in events.Tensors("attention_cross/1")] == [1]
