"""Settings with which Keras computes wrongly on several devices are refused.

The strategies here are fakes; `tests/training/test_same_update.py` uses real ones.
"""

from types import SimpleNamespace

import keras
import pytest

from tests.models.small_model import make_model
from tf_transformer.models.replicas import check_compiled
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.schedules import TransformerSchedule


def compiled(num_replicas, jit_compile=False, **settings):
    return SimpleNamespace(
        optimizer=keras.optimizers.Adam(0.1, **settings),
        distribute_strategy=SimpleNamespace(num_replicas_in_sync=num_replicas),
        jit_compile=jit_compile,
    )


REFUSED = {
    "accumulate gradients.*steps=4 on 3 replicas": {"gradient_accumulation_steps": 4},
    "clips each.*: clipnorm=0.2 on 3 replicas": {"clipnorm": 0.2},
    "clips each.*: global_clipnorm=0.7 on 3 replicas": {"global_clipnorm": 0.7},
    "clips each.*: clipvalue=0.9 on 3 replicas": {"clipvalue": 0.9},
    "XLA cannot.*jit_compile=True on 3 replicas": {"jit_compile": True},
}


@pytest.mark.parametrize("message", REFUSED)
def test_settings_for_one_device_are_refused_on_several_replicas(message):
    check_compiled(compiled(1, **REFUSED[message]))
    with pytest.raises(ValueError, match=message):
        check_compiled(compiled(3, **REFUSED[message]))
    check_compiled(compiled(3))


def test_settings_inside_a_loss_scale_optimizer_are_checked():
    model = compiled(2, clipvalue=0.9)
    model.optimizer = keras.optimizers.LossScaleOptimizer(model.optimizer)
    with pytest.raises(ValueError, match="clipvalue=0.9 on 2 replicas"):
        check_compiled(model)


@pytest.mark.parametrize(
    ("name", "received"),
    [
        ("CollectiveAllReduceStrategy", "MultiWorkerMirroredStrategy"),
        ("ParameterServerStrategyV2", "ParameterServerStrategy"),
    ],
)
def test_unsupported_strategies_are_refused(name, received):
    model = compiled(1)
    model.distribute_strategy = type(name, (), {"num_replicas_in_sync": 1})()
    with pytest.raises(ValueError, match=f"does not work.*Received: {received}$"):
        check_compiled(model)


@pytest.mark.needs_tensorflow
def test_keras_distribution_on_tensorflow_is_refused():
    model = make_model()
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=["cpu:0"])
    )
    try:
        with pytest.raises(ValueError, match="does nothing.*Received: DataParallel"):
            model.compile(loss=MaskedCrossEntropy())
    finally:
        keras.distribution.set_distribution(None)
    model.compile(loss=MaskedCrossEntropy())


def test_schedule_must_count_as_the_optimizer_does():
    model = make_model()
    schedule = TransformerSchedule(d_model=12, gradient_accumulation_steps=5)
    with pytest.raises(ValueError, match="steps=1 in both. Received: 5"):
        model.compile(keras.optimizers.Adam(schedule), MaskedCrossEntropy())
