"""The private names of Keras that we use exist and have the expected meaning."""

import keras
import numpy as np

from tf_transformer.utils import keras_compat


def built(**arguments):
    variable = keras.Variable(np.ones(3, "float32"), name="w")
    optimizer = keras.optimizers.Adam(0.5, **arguments)
    optimizer.build([variable])
    gradient = keras.ops.convert_to_tensor(np.float32([1, 2, 4]))
    optimizer.apply([gradient], [variable])
    return optimizer, variable


def test_moments_of_the_first_update():
    optimizer, variable = built(beta_1=0.9, beta_2=0.75)
    m, v = keras_compat.adam_moments(optimizer, variable)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(m), [0.1, 0.2, 0.4], 1e-5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(v), [0.25, 1, 4], 1e-5)


def test_moving_averages_belong_to_their_weights():
    optimizer, variable = built(use_ema=True, ema_momentum=0.75)
    ((weight, average),) = keras_compat.moving_averages(optimizer)
    assert weight is variable
    assert average is not variable
    # the first update replaces the start value
    np.testing.assert_allclose(keras.ops.convert_to_numpy(average), 0.5, rtol=1e-4)


def test_schedules_and_inner_optimizers():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    adam = keras.optimizers.Adam(schedule)
    assert keras_compat.learning_rate_schedule(adam) is schedule
    wrapped = keras.optimizers.LossScaleOptimizer(adam)
    assert keras_compat.inner_optimizer(wrapped) is adam
    assert keras_compat.inner_optimizer(adam) is adam


def test_one_device_has_nothing_to_sum():
    value = keras.ops.convert_to_tensor(np.float32(2.5))
    assert float(keras_compat.sum_over_replicas(value)) == 2.5
