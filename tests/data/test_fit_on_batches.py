"""`fit` of our models: a new order in every epoch, and checks before the first one."""

import keras
import numpy as np
import pytest

from tests.backend import BACKEND
from tests.training.small_training import PAIRS, NumberTokenizer
from tf_transformer.data.batching import Batches
from tf_transformer.data.datasets import as_keras_dataset
from tf_transformer.data.shift import shift_right
from tf_transformer.data.streaming import StreamedBatches
from tf_transformer.models import Transformer
from tf_transformer.models.sequence_model import SequenceModel
from tf_transformer.training import MaskedCrossEntropy


def make(kind=Batches, **arguments):
    arguments = {"batch_tokens": 24, "shuffle": True, "seed": 5, **arguments}
    return kind(PAIRS, NumberTokenizer(), **arguments)


def compiled(**changes):
    arguments = {"vocab_size": 23, "max_length": 17, **changes}
    model = Transformer(num_layers=1, d_model=4, num_heads=2, d_ff=5, **arguments)
    model.compile(keras.optimizers.SGD(0.1), MaskedCrossEntropy(), run_eagerly=True)
    return model


@pytest.mark.long
def test_every_epoch_of_fit_has_the_next_order():
    fed, seen = make(), []
    fed.epoch = 4

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(fed.epoch)

    model = compiled()
    for callbacks in ([Watch()], Watch()):
        model.fit(
            as_keras_dataset(fed),
            epochs=2,
            verbose=0,
            shuffle=False,
            callbacks=callbacks,
        )
    assert seen == [4, 5, 6, 7]
    assert fed.epoch == 8


class StopAfterTwoEpochs(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise InterruptedError


@pytest.mark.skipif(BACKEND == "jax", reason="JAX traces the labels")
@pytest.mark.parametrize("restore", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_new_dataset_begins_with_the_epoch_of_fit(restore, tmp_path):
    arguments = {"verbose": 0, "shuffle": False, "epochs": 3}
    if restore:
        backup = keras.callbacks.BackupAndRestore(tmp_path)
        with pytest.raises(InterruptedError):
            stopped = [backup, StopAfterTwoEpochs()]
            compiled().fit(as_keras_dataset(make()), callbacks=stopped, **arguments)
        arguments["callbacks"] = [backup]
    else:
        arguments["initial_epoch"] = 2
    model, fed, seen = compiled(), make(), []
    compute_loss = model.compute_loss

    def watched(x, y, *args, **kwargs):
        seen.append(keras.ops.convert_to_numpy(y).tolist())
        return compute_loss(x, y, *args, **kwargs)

    model.compute_loss = watched
    model.fit(as_keras_dataset(fed), **arguments)
    orders = [[y.tolist() for _, y, _ in fed.elements(epoch)] for epoch in (0, 2)]
    # before the first update, Keras builds a model with a batch of its own
    assert seen[-len(orders[1]) :] == orders[1] != orders[0]


@pytest.mark.parametrize("kind", [Batches, StreamedBatches])
@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        # ten target tokens, the end counted
        ({"max_length": 9}, {}, "max_length of the model to be at least 10.*gth=9"),
        (
            {"max_length": 13},
            {"static_shapes": True, "max_length": 40, "batch_tokens": 99},
            "max_length of the model to be at least 16.*max_length=13",
        ),
        ({"vocab_size": 21}, {}, "vocab_size of the model to be at least 23.*=21"),
        (
            {"target_vocab_size": 22},
            {},
            "target_vocab_size of the model to be at least 23.*target_vocab_size=22",
        ),
    ],
)
def test_batches_that_the_model_cannot_read_are_refused_before_the_first_update(
    kind, changes, arguments, message
):
    model = compiled(**changes)
    dataset = as_keras_dataset(make(kind, **arguments))
    with pytest.raises(ValueError, match=message):
        model.fit(dataset, verbose=0)
    fine = np.zeros((2, 3), "int32")
    inputs = {"source_ids": fine, "target_ids": fine}
    with pytest.raises(ValueError, match=message):
        model.fit(inputs, fine, validation_data=dataset, verbose=0)


def test_shift_right_is_the_same_for_arrays_and_tensors():
    labels = np.array([[7, 8, 9, 3], [5, 3, 0, 0], [0, 0, 0, 0]], "int32")
    expected = [[2, 7, 8, 9], [2, 5, 0, 0], [0, 0, 0, 0]]
    found = shift_right(labels)
    assert found.dtype == "int32"
    assert found.tolist() == expected
    tensor = shift_right(keras.ops.convert_to_tensor(labels))
    assert keras.ops.convert_to_numpy(tensor).tolist() == expected


@pytest.mark.parametrize("kind", [Batches, StreamedBatches])
@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((22, None), "from 0 to 21 for its vocab_size=22.*Received: 22"),
        ((23, 22), "from 0 to 21 for its target_vocab_size=22.*Received: 22"),
    ],
)
def test_ids_outside_of_the_tokenizers_vocabulary_are_an_error(kind, sizes, message):
    class Small(NumberTokenizer):
        vocab_size, target_vocab_size = sizes

    with pytest.raises(ValueError, match=message):
        kind(PAIRS, Small()).count()


def test_a_model_without_the_whole_interface_cannot_be_made():
    class Half(SequenceModel):
        def encode(self, source_ids, training=None):
            return {}

    with pytest.raises(TypeError, match="abstract.*attend.*decode.*start.*step"):
        Half({"vocab_size": 7})


@pytest.mark.moderate
def test_a_dataset_of_the_users_may_have_an_attribute_batches():
    class Own(keras.utils.PyDataset):
        def __init__(self, batches):
            super().__init__()
            self.batches = batches

        def __len__(self):
            return len(self.batches)

        def __getitem__(self, index):
            return self.batches[index]

    source_ids = np.array([[5, 3, 4], [6, 4, 0]], "int32")
    labels = np.array([[7, 8, 9, 4], [9, 4, 0, 0]], "int32")
    inputs = {"source_ids": source_ids, "target_ids": shift_right(labels)}
    history = compiled().fit(Own([(inputs, labels)] * 3), verbose=0).history
    assert np.isfinite(history["loss"]).all()
