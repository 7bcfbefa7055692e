"""With `keras.config.set_floatx("float64")` models compute in float64.

Gradients are then compared with central differences, which float32 is too coarse for.
"""

import keras
import numpy as np
import pytest

from tests.backend import variable_gradients
from tests.models.small_model import INPUTS, SOURCE, make_model
from tf_transformer.inference.search import search
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.layers import SSRUDecoder
from tf_transformer.models import RecurrentSeq2Seq
from tf_transformer.training.losses import MaskedCrossEntropy

# JAX has no float64 by default; Keras rounds it to float32 on PyTorch
pytestmark = pytest.mark.needs_tensorflow
LABELS = np.array([[7, 12, 19, 21, 3], [14, 5, 3, 0, 0]], "int32")


def make_recurrent():
    return RecurrentSeq2Seq(23, num_layers=1, d_model=10, dropout_rate=0.0)


MAKERS = {
    "post-norm": make_model,
    "pre-norm": lambda: make_model(normalize_first=True, output_bias=True),
    "ssru": lambda: make_model(decoder=SSRUDecoder),
    "recurrent": make_recurrent,
}
SEARCHES = {
    "beam": {"beam_size": 3, "num_hypotheses": 2, "no_repeat_ngram_size": 2},
    "sample": {"sample": True, "num_hypotheses": 2, "top_k": 5, "top_p": 0.9},
}


@pytest.fixture
def float64():
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")


@pytest.mark.moderate
@pytest.mark.parametrize("name", MAKERS)
def test_gradients_are_central_differences(name, float64):
    model = MAKERS[name]()
    loss = MaskedCrossEntropy(label_smoothing=0.1)
    assert {weight.dtype for weight in model.trainable_variables} == {"float64"}

    def value():
        return loss(LABELS, model(INPUTS))

    variables = model.trainable_variables
    gradients = variable_gradients(value, variables)
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in variables]
    random, step = np.random.default_rng(5), 1e-6
    directions = [random.normal(size=weight.shape) for weight in variables]
    values = []
    for sign in (1, -1):
        for weight, start, direction in zip(variables, before, directions, strict=True):
            weight.assign(start + sign * step * direction)
        values.append(float(keras.ops.convert_to_numpy(value())))
    found = sum(map(np.vdot, gradients, directions))
    expected = (values[0] - values[1]) / (2 * step)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_the_same_as_in_float32(name, request):
    settings = SearchSettings(max_length=11, **SEARCHES[name])
    model = make_model()
    expected = search(model, SOURCE, settings)
    request.getfixturevalue("float64")
    same = make_model()
    same.set_weights(model.get_weights())
    found = search(same, SOURCE, settings)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-5)
