"""Small trainings that can be interrupted, resumed and compared bit for bit."""

import keras
import numpy as np
import pytest

from tests.backend import BACKEND
from tests.training.small_training import PAIRS, NumberTokenizer
from tf_transformer.data.batching import Batches
from tf_transformer.data.datasets import as_keras_dataset
from tf_transformer.models import Transformer
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.metrics import NegativeLogLikelihood
from tf_transformer.training.schedules import TransformerSchedule

to_the_bit = pytest.mark.skipif(
    BACKEND == "torch", reason="Keras' dropout uses PyTorch's own random state"
)


def compiled(seed=1, d_ff=17, optimizer="adam", **adam_arguments):
    """A fresh model: other weights and another random state for another seed."""
    keras.utils.set_random_seed(seed)
    model = Transformer(
        23, num_layers=1, d_model=12, num_heads=3, d_ff=d_ff, dropout_rate=0.1
    )
    if optimizer == "adam":
        schedule = TransformerSchedule(12, warmup_steps=5)
        optimizer = keras.optimizers.Adam(
            schedule, beta_2=0.98, epsilon=1e-9, **adam_arguments
        )
    model.compile(
        optimizer=optimizer,
        loss=MaskedCrossEntropy(0.1),
        metrics=[NegativeLogLikelihood()],
        run_eagerly=True,
    )
    return model


def shuffled(epoch=0):
    batches = Batches(PAIRS, NumberTokenizer(), batch_tokens=24, shuffle=True, seed=5)
    batches.epoch = epoch
    return batches


def fit(model, batches, first, last, **arguments):
    arguments.update(initial_epoch=first, epochs=last, shuffle=False)
    dataset = as_keras_dataset(batches)
    return model.fit(dataset, verbose=0, **arguments).history


def arrays(model):
    """Everything that training changes."""
    variables = [*model.variables, *model.optimizer.variables]
    return {variable.path: np.array(variable) for variable in variables}


def differences(one, other):
    assert len(one) == len(other)
    return [
        path
        for (path, found), (_, expected) in zip(one.items(), other.items(), strict=True)
        if not np.array_equal(found, expected)
    ]
