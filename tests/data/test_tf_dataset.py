"""The datasets for `model.fit`: the same batches, epoch after epoch, in order."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_transformer.data.batching import Batches
from tf_transformer.data.datasets import as_keras_dataset, batches
from tf_transformer.data.epochs import FirstEpoch, NextEpoch
from tf_transformer.data.py_dataset import BatchesPyDataset
from tf_transformer.data.tf_dataset import tf_dataset

VOCABULARY = 40


class LetterTokenizer:
    def encode_source(self, texts):
        return [[4 + ord(c) % 31 for c in text] + [3] for text in texts]

    encode_target = encode_source


PAIRS = [("ab" * (i % 7) + "k", "cde" * (i % 4) + chr(97 + i % 17)) for i in range(83)]


def make_batches(**arguments):
    arguments = {"batch_tokens": 90, "shuffle": True, "seed": 2, **arguments}
    return Batches(PAIRS, LetterTokenizer(), **arguments)


def as_lists(element):
    inputs, labels, weights = element
    arrays = inputs["source_ids"], inputs["target_ids"], labels, weights
    return [np.asarray(array).tolist() for array in arrays]


def small_model():
    class Copier(keras.Model):
        def __init__(self):
            super().__init__()
            self.embedding = keras.layers.Embedding(VOCABULARY, 6)
            self.output_layer = keras.layers.Dense(VOCABULARY)

        def call(self, inputs):
            return self.output_layer(self.embedding(inputs["target_ids"]))

    model = Copier()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    model.compile(optimizer=keras.optimizers.SGD(0.01), loss=loss)
    return model


def test_the_dataset_gives_the_same_batches_in_every_epoch():
    expected, fed = make_batches(), make_batches()
    dataset = tf_dataset(fed)
    for epoch in range(3):
        fed.epoch = epoch
        found = [as_lists(e) for e in dataset]
        assert found == [as_lists(e) for e in expected.elements(epoch)]
        assert fed.epoch == epoch


def test_shapes_dtypes_and_cardinality_are_known():
    fed = make_batches(gradient_accumulation_steps=4)
    dataset = tf_dataset(fed)
    inputs, labels, (weights,) = dataset.element_spec
    for spec in (inputs["source_ids"], inputs["target_ids"], labels):
        assert (spec.shape.as_list(), spec.dtype) == ([None, None], tf.int32)
    assert (weights.shape.as_list(), weights.dtype) == ([None, None], tf.float32)
    assert int(dataset.cardinality()) == len(fed) == sum(1 for _ in dataset)
    policy = dataset.options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.OFF


def test_setting_the_epoch_resumes_its_order():
    fed = make_batches()
    dataset = tf_dataset(fed)
    epochs = [[as_lists(e) for e in fed.elements(epoch)] for epoch in range(3)]
    fed.epoch = 1
    assert [as_lists(e) for e in dataset] == epochs[1]
    assert epochs[0] != epochs[1] != epochs[2]


def test_every_replica_gets_the_same_number_of_rows(monkeypatch):
    class ThreeReplicas:
        num_replicas_in_sync = 3

    expected = [as_lists(e) for e in make_batches()]
    assert {len(labels) % 3 for _, _, labels, _ in expected} == {0, 1, 2}
    with monkeypatch.context() as patch:
        patch.setattr("tensorflow.distribute.get_strategy", ThreeReplicas)
        dataset = tf_dataset(make_batches())
    for found, plain in zip(map(as_lists, dataset), expected, strict=True):
        for filled, rows in zip(found, plain, strict=True):
            assert len(filled) == -(-len(rows) // 3) * 3
            assert filled[: len(rows)] == rows
            assert not np.any(filled[len(rows) :])


def test_reading_the_first_batch_does_not_end_the_epoch():
    fed = make_batches(batch_tokens=300)
    assert 1 < len(fed) < 5  # so few that all of them are prefetched
    dataset = tf_dataset(fed)
    for _ in range(5):
        next(iter(dataset))
    assert fed.epoch == 0


@pytest.mark.slow
def test_fit_goes_through_the_epochs_one_by_one():
    """The model is built from a batch of the first epoch, which is then whole."""
    fed = make_batches(batch_tokens=300)
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(fed.epoch)

    model = small_model()
    valid = tf_dataset(make_batches(shuffle=False))
    history = model.fit(
        tf_dataset(fed),
        validation_data=valid,
        epochs=4,
        callbacks=[Watch(), NextEpoch(fed)],
        shuffle=False,
        verbose=0,
    )
    assert seen == [0, 1, 2, 3]
    assert fed.epoch == 4
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_short_epochs_of_fit_do_not_move_the_data():
    fed = make_batches()
    first = FirstEpoch(fed)
    first.on_train_begin()
    for epoch in (2, 3, 4):  # with `steps_per_epoch` the data's epoch is longer
        first.on_epoch_begin(epoch)
    assert fed.epoch == 2


@pytest.mark.moderate
def test_fit_on_a_py_dataset_goes_through_the_epochs_one_by_one():
    fed = make_batches(gradient_accumulation_steps=2)
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(fed.epoch)

    model = small_model()
    dataset = BatchesPyDataset(fed)
    model.fit(dataset, epochs=3, shuffle=False, callbacks=[Watch()], verbose=0)
    assert seen == [0, 1, 2]
    assert fed.epoch == 3


def test_a_py_dataset_gives_the_same_batches():
    expected = make_batches()
    dataset = BatchesPyDataset(make_batches())
    assert len(dataset) == len(expected)
    for epoch in range(2):
        found = [as_lists(dataset[i]) for i in range(len(dataset))]
        assert found == [as_lists(e) for e in expected.elements(epoch)]
        dataset.on_epoch_end()


def test_a_py_dataset_read_in_part_and_reset_stays_in_its_epoch():
    dataset = BatchesPyDataset(make_batches())
    _ = dataset[0]
    dataset.on_epoch_end()
    dataset.on_epoch_end()
    assert dataset.batches.epoch == 0


def test_batches_of_an_update_out_of_order_are_an_error():
    dataset = BatchesPyDataset(make_batches(gradient_accumulation_steps=2))
    _ = dataset[0], dataset[1], dataset[0], dataset[1]
    with pytest.raises(ValueError, match=r"shuffle=False.*Received: index=3"):
        _ = dataset[3]


def test_single_batches_may_come_in_any_order():
    dataset = BatchesPyDataset(make_batches())
    for index in reversed(range(len(dataset))):
        _ = dataset[index]
    dataset.on_epoch_end()
    assert dataset.batches.epoch == 1


def test_the_backend_decides_on_the_kind_of_dataset(monkeypatch):
    expected = [as_lists(e) for e in make_batches()]
    arguments = {"batch_tokens": 90, "shuffle": True, "seed": 2}
    dataset = batches(PAIRS, LetterTokenizer(), **arguments)
    assert isinstance(dataset, tf.data.Dataset)
    assert [as_lists(e) for e in dataset] == expected
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    dataset = as_keras_dataset(make_batches())
    assert isinstance(dataset, BatchesPyDataset)
    assert [as_lists(dataset[i]) for i in range(len(dataset))] == expected


def test_dropped_pairs_are_reported():
    pairs = [("a", "b"), ("", "b"), ("a", "b" * 9)]
    with pytest.warns(UserWarning, match="2 of 3 pairs are dropped: .*max_length=5 "):
        dataset = batches(pairs, LetterTokenizer(), max_length=5)
    assert dataset.batches.num_dropped == 2


def test_no_thread_tunes_the_dataset():
    """With one, the end of an epoch can wait for it: for half of the epoch's time."""
    assert tf_dataset(make_batches()).options().autotune.enabled is False
