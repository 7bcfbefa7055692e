"""The optimizer's updates are Adam's, and TensorFlow traces a training step once."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.backend import BACKEND
from tests.models.small_model import INPUTS, TARGET, make_model
from tf_transformer.layers.embedding import TokenEmbedding
from tf_transformer.training import Adam
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.schedules import TransformerSchedule
from tf_transformer.utils.keras_compat import moving_averages

RANDOM = np.random.default_rng(6)
SHAPES, UPDATES = ((7, 5), (3,), ()), 6
VALUES = [RANDOM.normal(size=shape).astype("float32") for shape in SHAPES]
GRADIENTS = [
    [RANDOM.normal(size=shape).astype("float32") for shape in SHAPES]
    for _ in range(UPDATES)
]


def updated(optimizer):
    """The variables after some updates."""
    variables = [keras.Variable(value) for value in VALUES]
    optimizer.build(variables)
    for gradients in GRADIENTS:
        optimizer.apply([ops.convert_to_tensor(g) for g in gradients], variables)
    return [ops.convert_to_numpy(variable) for variable in variables]


def test_updates_by_the_formula():
    rate, beta_1, beta_2, epsilon = 0.03, 0.9, 0.98, 1e-9
    values = [value.astype("float64") for value in VALUES]
    m, v = ([np.zeros(shape) for shape in SHAPES] for _ in range(2))
    for t, gradients in enumerate(GRADIENTS, start=1):
        corrected = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        for i, g in enumerate(gradients):
            m[i] = beta_1 * m[i] + (1 - beta_1) * g
            v[i] = beta_2 * v[i] + (1 - beta_2) * g.astype("float64") ** 2
            values[i] = values[i] - corrected * m[i] / (np.sqrt(v[i]) + epsilon)
    for found, expected in zip(updated(Adam(rate)), values, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"amsgrad": True},
        {"weight_decay": 0.1},
        {"clipnorm": 0.5},
        {"global_clipnorm": 0.5},
        {"gradient_accumulation_steps": 2},
        {"use_ema": True, "ema_overwrite_frequency": 2},
        {"beta_1": 0.7, "epsilon": 0.01},
    ],
    ids=str,
)
def test_updates_are_those_of_keras(settings):
    schedule = TransformerSchedule(16, warmup_steps=4)
    theirs = {"beta_2": 0.98, "epsilon": 1e-9, **settings}
    expected = updated(keras.optimizers.Adam(schedule, **theirs))
    for found, value in zip(updated(Adam(schedule, **settings)), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6)
    assert np.abs(expected[0] - VALUES[0]).max() > 0.01


@pytest.mark.parametrize("num_updates", [1, 4])
def test_moving_averages_count_updates_not_batches(num_updates):
    gradients = np.random.default_rng(3).normal(size=(num_updates, 3, 7, 5))
    averages = {"use_ema": True, "ema_momentum": 0.7}
    found = []
    for batches, accumulated in ((gradients.mean(1), None), (gradients, 3)):
        variable = keras.Variable(np.ones((7, 5), "float32"))
        optimizer = Adam(0.1, **averages, gradient_accumulation_steps=accumulated)
        optimizer.build([variable])
        for gradient in batches.reshape(-1, 7, 5).astype("float32"):
            optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
        ((_, average),) = moving_averages(optimizer)
        found.append(ops.convert_to_numpy(average))
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_comes_back_from_its_config():
    optimizer = Adam(TransformerSchedule(16), beta_2=0.9, clipnorm=2.0)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is Adam
    assert again.get_config() == optimizer.get_config()


@pytest.mark.needs_tensorflow
def test_gradients_of_rows_are_taken_as_whole_ones():
    import tensorflow as tf

    rows = tf.IndexedSlices(tf.constant([[3.0, -2.0]] * 2), [2, 2], [4, 2])
    found = []
    for gradient in (rows, tf.convert_to_tensor(rows)):
        variable = keras.Variable(np.ones((4, 2), "float32"))
        optimizer = Adam(0.1)
        optimizer.build([variable])
        optimizer.apply([tf.ones((4, 2))], [variable])
        optimizer.apply([gradient], [variable])
        found.append(variable.numpy())
    np.testing.assert_array_equal(*found)


@pytest.mark.long
@pytest.mark.skipif(BACKEND != "tensorflow", reason="counts TensorFlow's traces")
def test_a_training_step_is_traced_once():
    model, calls = make_model(), []
    model.compile(Adam(0.1), MaskedCrossEntropy())
    encode = model.encode
    model.encode = lambda *args, **kwargs: calls.append(1) or encode(*args, **kwargs)
    model.fit(INPUTS, TARGET, batch_size=2, epochs=2, verbose=0)
    assert len(calls) == 1


@pytest.mark.needs_tensorflow
@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.optimizers.Adam(0.1),
        lambda: keras.optimizers.Adam(0.1, clipnorm=0.5),
        lambda: keras.optimizers.Adam(0.1, gradient_accumulation_steps=2),
        lambda: keras.optimizers.RMSprop(0.1),
        lambda: keras.optimizers.Adagrad(0.1),
        lambda: keras.optimizers.Lamb(0.1),
        lambda: keras.optimizers.Adafactor(0.1),
        lambda: Adam(0.1, global_clipnorm=0.5),
    ],
)
def test_a_token_that_is_repeated_makes_one_update_of_its_row(make):
    """As with two vocabularies, where the source's table is only looked up."""
    import tensorflow as tf

    ids = np.array([[2, 4, 2], [2, 0, 5]])
    upstream = RANDOM.normal(size=(2, 3, 4)).astype("float32")
    expected = np.zeros((7, 4), "float32")
    np.add.at(expected, ids, upstream * 2)  # the root of the width
    layer, other = (TokenEmbedding(vocab_size=7, d_model=4) for _ in range(2))
    for one in (layer, other):
        one.build()
        one.table.assign(np.linspace(-1, 1, 28, dtype="float32").reshape((7, 4)))
    optimizers = make(), make()
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(ids) * upstream)
        gradient = tape.gradient(loss, layer.table.value)
        optimizers[0].apply([gradient], [layer.table])
        optimizers[1].apply([tf.constant(expected)], [other.table])
    np.testing.assert_allclose(layer.table, other.table, rtol=1e-5, atol=1e-6)
