"""Wrong arguments of `doctor` are refused, and not reported as faults of the model."""

import keras
import numpy as np
import pytest

from tests.diagnosis import parts
from tests.diagnosis.parts import LENGTH, ROWS, VOCAB, WIDTH
from tf_transformer.diagnosis.doctor import doctor
from tf_transformer.layers import TokenEmbedding

SCORES = "sparse_categorical_crossentropy"


def tagger():
    return parts.sequential(keras.layers.Dense(5))


class TwoArguments(keras.Model):
    def call(self, source, target):
        return source + target


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: len, "must be a Keras model. Received: .* builtin_function"),
        (lambda: keras.Model, "must be a Keras model. Received: .* type type"),
        (TwoArguments, "as one argument.* Received: .* requires target"),
    ],
)
def test_other_models_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        doctor(make(), parts.ids())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pad_id": "0"}, "pad_id must be a number.* Received: '0'"),
        ({"pad_id": False}, "pad_id must be a number.* Received: False"),
        ({"optimizer": "adam"}, "optimizer must be .* Received: optimizer='adam'"),
        ({"loss": 3}, "loss must be .* Received: loss=3"),
        ({"loss": "unknown"}, "loss must be .* Received: loss='unknown'"),
        ({"sample_weight": np.ones(3)}, "sample_weight must be a function.* ndarray"),
    ],
)
def test_arguments_of_wrong_types_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        doctor(tagger(), parts.ids(), **arguments)


def test_an_error_of_sample_weight_is_not_blamed_on_the_model():
    report = doctor(
        tagger(), parts.ids(), loss=SCORES, sample_weight=lambda labels: 1 / 0
    )
    (result,) = (r for r in report.results if r.name == "loss over padding")
    assert result.reason.startswith("the model, the loss or sample_weight raises Zero")


def test_a_class_is_a_loss_as_in_compile():
    report = doctor(
        tagger(), parts.ids(), loss=keras.losses.SparseCategoricalCrossentropy
    )
    assert report.status("logits") == "failed"


@pytest.mark.parametrize("change", [VOCAB, -VOCAB])
@pytest.mark.parametrize(
    "embedding",
    [
        lambda: keras.layers.Embedding(VOCAB, WIDTH, name="table"),
        lambda: TokenEmbedding(vocab_size=VOCAB, d_model=WIDTH, name="table"),
    ],
    ids=["keras", "ours"],
)
def test_ids_outside_the_vocabulary_are_refused(embedding, change):
    model = keras.Sequential([embedding(), keras.layers.Dense(5)])
    with pytest.raises(ValueError, match=f"^Ids of inputs.* table: 0 to {VOCAB - 1}.*"):
        doctor(model, parts.ids() + change)
    assert keras.config.is_traceback_filtering_enabled()


def test_padding_outside_the_vocabulary_is_no_fault_of_the_model():
    report = doctor(tagger(), parts.ids(), pad_id=VOCAB + 4)
    assert report.findings == []
    reasons = {result.name: result.reason for result in report.results}
    for check in ("padding", "masked row", "gradients", "half precision"):
        assert reasons[check].startswith("Ids of inputs, and pad_id, must be in")


def test_ids_that_a_model_computes_are_its_own_fault():
    ids = keras.Input((LENGTH,), dtype="int32")
    model = keras.Model(ids, keras.layers.Embedding(VOCAB, WIDTH)(ids + VOCAB))
    try:
        report = doctor(model, parts.ids())
    except ValueError:
        pytest.fail("the inputs are right")
    except Exception:  # TensorFlow and PyTorch report an error on a CPU
        return
    assert report.status("finite") == "failed"


def pooled(width):
    layer = keras.layers.Bidirectional(keras.layers.GRU(4))
    return parts.sequential(layer, keras.layers.Dense(width), mask_zero=True)


@pytest.mark.parametrize("causal", [True, "inputs"])
@pytest.mark.parametrize("width", [5, LENGTH])
def test_a_causal_input_needs_an_output_for_each_position(causal, width):
    message = rf"no positions. Received: causal={causal!r}, and outputs \({ROWS}, "
    with pytest.raises(ValueError, match=message):
        doctor(pooled(width), parts.ids(), causal=causal)


def test_the_causal_input_is_the_one_with_outputs():
    with pytest.raises(ValueError, match=r"Expected one of \['target'\]"):
        doctor(parts.Cross(), parts.pair(), causal="source")


def test_one_number_for_each_position_can_leak():
    reads_future = keras.layers.Conv1D(1, 3, padding="same", name="conv")
    model = parts.sequential(reads_future, keras.layers.Reshape((-1,)))
    report = doctor(model, parts.ids(), causal=True)
    (finding,) = (f for f in report.findings if f.check == "causality")
    assert finding.layer == "conv (Conv1D)"
    assert finding.measured["relative_difference"] > 0.01
