"""Layers inside compiled functions: seen if possible, and otherwise not checked."""

import keras
import pytest

from tests.diagnosis import parts
from tests.diagnosis.parts import VOCAB, WIDTH
from tf_transformer.diagnosis.attention import check_attention
from tf_transformer.diagnosis.doctor import doctor
from tf_transformer.diagnosis.findings import NotChecked
from tf_transformer.diagnosis.gradients import check_past
from tf_transformer.diagnosis.half_precision import check_half_precision
from tf_transformer.diagnosis.inputs import Inputs
from tf_transformer.diagnosis.randomness import check_dropout
from tf_transformer.diagnosis.subject import Subject


class Model(keras.Model):
    """Embedding, attention, dropout and scores, in one call."""

    def __init__(self, rate=0.2, scale=1.0):
        super().__init__(name="model")
        self.scale = scale
        self.embedding = keras.layers.Embedding(VOCAB, WIDTH)
        self.attention = parts.keras_attention()
        self.dropout = keras.layers.Dropout(rate, name="dropout")
        self.dense = keras.layers.Dense(5)

    def call(self, x, training=False):
        x = self.embedding(x)
        x = x + self.attention(x, x, use_causal_mask=True)
        return self.scale * self.dense(self.dropout(x, training=training))


def compiled_model(**arguments):
    """A model whose call is a `tf.function`, traced before the examination."""
    import tensorflow as tf

    class Compiled(Model):
        call = tf.function(Model.call)

    model = Compiled(**arguments)
    model(parts.ids())
    return model


CHECKS = ("dropout", "gradients through time", "half precision", "attention")


@pytest.mark.needs_tensorflow
def test_layers_inside_tf_functions_are_checked():
    import tensorflow as tf

    report = doctor(compiled_model(), parts.ids(), pad_id=None, causal=True)
    assert report.findings == []
    assert {report.status(check) for check in CHECKS} == {"passed"}
    assert not tf.config.functions_run_eagerly()


@pytest.mark.needs_tensorflow
def test_an_overflow_inside_a_tf_function_is_found():
    report = doctor(compiled_model(scale=1e6), parts.ids(), pad_id=None)
    assert {finding.check for finding in report.findings} == {"half precision"}


@pytest.mark.needs_tensorflow
@pytest.mark.parametrize(
    "check", [check_attention, check_dropout, check_half_precision, check_past]
)
def test_layers_without_values_are_not_checked(check):
    model = compiled_model()
    inputs = Inputs.of(parts.ids()[:2], None)  # traced now, not with three rows
    subject = Subject(model, inputs)
    with pytest.raises(NotChecked, match="layers run inside a compiled function"):
        check(subject)


class Cell(keras.layers.SimpleRNNCell):
    """A cell with a layer inside."""

    def __init__(self):
        super().__init__(WIDTH)
        self.layer = keras.layers.Dropout(0.3)

    def call(self, x, states, training=False):
        output, states = super().call(x, states)
        return self.layer(output, training=training), states


def test_dropout_inside_a_cell_is_not_a_fault():
    model = parts.sequential(keras.layers.RNN(Cell(), return_sequences=True))
    report = doctor(model, parts.ids(), pad_id=None)
    assert report.status("dropout") != "failed"
    assert report.status("gradients through time") == "passed"
