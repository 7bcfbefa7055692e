"""Streams: batches of their windows, every pair once, with the correct weights."""

from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.data.test_batching import WordTokenizer, make_pairs, pairs_of
from tf_transformer.data.batching import Batches, EpochBatches, Place
from tf_transformer.data.datasets import as_keras_dataset, batches
from tf_transformer.data.epochs import NextEpoch
from tf_transformer.data.py_dataset import BatchesPyDataset
from tf_transformer.data.streaming import StreamedBatches
from tf_transformer.data.tf_dataset import tf_dataset


class CountedPairs:
    """Counts how many pairs were taken out of it, and how often it was begun."""

    def __init__(self, pairs):
        self.pairs = pairs
        self.num_taken = 0
        self.num_passes = 0

    def __iter__(self):
        self.num_passes += 1
        for pair in self.pairs:
            self.num_taken += 1
            yield pair


def make_stream(pairs=None, window=50, **arguments):
    arguments = {"batch_tokens": 150, "max_length": 31, "shuffle": True, **arguments}
    return StreamedBatches(pairs or make_pairs(), WordTokenizer(), window, **arguments)


def as_lists(element):
    inputs, labels, weights = element
    arrays = inputs["source_ids"], inputs["target_ids"], labels, weights
    return [np.asarray(array).tolist() for array in arrays]


@pytest.mark.parametrize("window", [1, 50, 211, 1000])
@pytest.mark.parametrize("steps", [1, 3])
def test_no_pair_is_lost_or_doubled_in_any_epoch(window, steps):
    stream = make_stream(window=window, gradient_accumulation_steps=steps)
    for epoch in range(2):
        assert Counter(pairs_of(stream.elements(epoch))) == Counter(make_pairs())
    assert (stream.num_pairs, stream.num_dropped) == (211, 0)


def test_a_window_without_shuffling_is_the_batches_of_its_pairs():
    pairs = make_pairs()
    stream = make_stream(shuffle=False)
    expected = [
        as_lists(element)
        for start in range(0, len(pairs), 50)
        for element in Batches(
            pairs[start : start + 50], WordTokenizer(), batch_tokens=150, max_length=31
        )
    ]
    assert [as_lists(element) for element in stream] == expected


def test_only_one_window_is_read_before_the_first_batch():
    pairs = CountedPairs(make_pairs())
    next(iter(make_stream(pairs)))
    assert pairs.num_taken == 50


def test_the_order_depends_on_seed_epoch_and_window_alone():
    straight = make_stream(seed=4)
    epochs = [pairs_of(straight.elements(epoch)) for epoch in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]
    resumed = make_stream(seed=4)
    resumed.epoch = 2
    assert pairs_of(resumed) == epochs[2]
    assert pairs_of(make_stream(seed=5)) != epochs[0]
    # two windows of the same pairs come in different orders
    both = pairs_of(make_stream(make_pairs(50) * 2, seed=4))
    assert both[:50] != both[50:]
    assert Counter(both[:50]) == Counter(both[50:])


@pytest.mark.parametrize("static_shapes", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_weights_of_an_update_sum_to_its_number_of_batches(steps, static_shapes):
    stream = make_stream(gradient_accumulation_steps=steps, static_shapes=static_shapes)
    elements = list(stream.elements(0))
    assert len(elements) == stream.num_batches == stream.count()
    assert len(elements) % steps == 0
    for start in range(0, len(elements), steps):
        update = elements[start : start + steps]
        num_tokens = sum(np.count_nonzero(labels) for _, labels, _ in update)
        for _, labels, weights in update:
            expected = np.where(labels != 0, steps / num_tokens, 0.0)
            np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_an_update_may_hold_batches_of_two_windows():
    """Otherwise the tests of weights and of the end would prove little."""
    stream = make_stream(shuffle=False)
    firsts = [0]
    for start in range(0, 211, 50):
        part = make_stream(make_pairs()[start : start + 50], window=50)
        firsts.append(firsts[-1] + part.count())
    steps = next(n for n in range(2, 9) if any(f % n for f in firsts[1:-1]))
    assert stream.count() == firsts[-1]
    filled = make_stream(gradient_accumulation_steps=steps).count()
    assert filled == -(-firsts[-1] // steps) * steps


def test_the_number_of_batches_is_unknown_before_a_whole_pass():
    pairs = CountedPairs(make_pairs())
    stream = make_stream(pairs)
    assert stream.num_batches is None
    num_batches = sum(1 for _ in stream)
    assert stream.num_batches == stream.count() == num_batches
    assert pairs.num_passes == 1
    other = make_stream(CountedPairs(make_pairs()))
    assert other.count() == num_batches
    assert other.epoch == 0


def test_a_pass_from_the_middle_stores_no_counts():
    stream, whole = make_stream(), make_stream()
    *_, (_, place), _ = whole.updates(Place(0))
    assert place.window > 0
    list(stream.updates(place))
    assert stream.num_batches is None
    assert stream.count() == whole.count()


def test_pairs_left_out_are_counted():
    pairs = [("1", "2"), ("", "3"), ("4 " * 40, "5"), ("6", "7"), (" ", "8"), ("", "9")]
    stream = make_stream(pairs, window=2)
    message = "1 of 2 pairs of window 1 are dropped: blank, or longer than max_length"
    with pytest.warns(UserWarning, match=message) as warned:
        assert pairs_of(stream) == [("1", "2"), ("6", "7")]
    assert len(warned) == 1  # not for every window and epoch
    assert pairs_of(stream) == [("1", "2"), ("6", "7")]
    assert (stream.num_pairs, stream.num_dropped) == (2, 4)
    assert stream.num_target_tokens == 4


def test_a_generator_and_a_window_of_nothing_are_refused():
    with pytest.raises(ValueError, match=r"every epoch.*stream_tsv.*Received: gen"):
        make_stream(pair for pair in make_pairs())
    for window in (0, 2.5, "100", None):
        message = f"integer of at least 1. Received: window={window!r}"
        with pytest.raises(ValueError, match=message):
            make_stream(window=window)
    with (
        pytest.warns(UserWarning, match="1 of 1 pairs"),
        pytest.raises(ValueError, match="no pairs.*Received: 1 pairs"),
    ):
        make_stream([("", "1")]).count()


def test_a_py_dataset_of_a_stream_is_read_in_order_only():
    stream = make_stream()
    dataset = BatchesPyDataset(stream)
    expected = [as_lists(element) for element in stream.elements(0)]
    for index in (0, 1, 0, 1, 2):
        assert as_lists(dataset[index]) == expected[index]
    with pytest.raises(ValueError, match=r"batch 0 or 3;.*Received: index=2"):
        dataset[2]  # the stream would give the next one
    with pytest.raises(ValueError, match=r"read in order.*Received: index=4"):
        dataset[4]


def test_a_stream_promises_no_more_than_it_can():
    stream = make_stream()
    assert isinstance(stream, EpochBatches)
    assert not isinstance(stream, Batches)
    assert not hasattr(stream, "__len__")
    assert not hasattr(stream, "__getitem__")


def test_the_dataset_yields_the_stream_epoch_after_epoch():
    expected, fed = make_stream(), make_stream()
    dataset = tf_dataset(fed)
    assert int(dataset.cardinality()) == fed.num_batches
    for epoch in range(3):
        fed.epoch = epoch
        found = [as_lists(e) for e in dataset]
        assert found == [as_lists(e) for e in expected.elements(epoch)]
        assert fed.epoch == epoch


def test_a_py_dataset_counts_and_gives_the_stream():
    expected, fed = make_stream(), make_stream()
    dataset = BatchesPyDataset(fed)
    for epoch in range(2):
        found = [as_lists(dataset[i]) for i in range(len(dataset))]
        assert found == [as_lists(e) for e in expected.elements(epoch)]
        dataset.on_epoch_end()
    assert fed.epoch == 2


def counting_model():
    """Its metric counts the real target tokens that `fit` saw in an epoch."""

    class Tokens(keras.metrics.Metric):
        def __init__(self):
            super().__init__(name="tokens")
            self.total = self.add_weight(name="total", initializer="zeros")

        def update_state(self, labels, logits, sample_weight=None):
            real = keras.ops.cast(labels != 0, "float32")
            self.total.assign_add(keras.ops.sum(real))

        def result(self):
            return self.total

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.scale = self.add_weight(name="scale", initializer="ones")

        def call(self, inputs):
            ids = keras.ops.cast(inputs["target_ids"], "float32")
            return ids * self.scale / 6000

    class Mean(keras.losses.Loss):
        def call(self, labels, outputs):
            return outputs

    model = Model()
    optimizer = keras.optimizers.SGD(0.5, gradient_accumulation_steps=3)
    model.compile(optimizer=optimizer, loss=Mean(reduction="sum"), metrics=[Tokens()])
    return model


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")
@pytest.mark.parametrize("wrap", [tf_dataset, BatchesPyDataset])
def test_fit_sees_every_token_of_every_epoch_and_makes_every_update(wrap):
    fed = make_stream(gradient_accumulation_steps=3)
    in_memory = Batches(make_pairs(), WordTokenizer())
    model = counting_model()
    callbacks = [NextEpoch(fed)] if wrap is tf_dataset else []
    history = model.fit(
        wrap(fed), epochs=3, shuffle=False, verbose=0, callbacks=callbacks
    ).history
    assert history["tokens"] == [in_memory.num_target_tokens] * 3
    assert fed.epoch == 3
    # Keras counts updates here: three batches each
    assert int(model.optimizer.iterations) == fed.num_batches
    assert int(model.optimizer._iterations) == fed.num_batches * 3


def test_a_window_makes_a_stream_of_what_fit_takes():
    expected = make_stream(seed=2)
    arguments = {"batch_tokens": 150, "max_length": 31, "shuffle": True, "seed": 2}
    dataset = batches(make_pairs(), WordTokenizer(), window=50, **arguments)
    assert [as_lists(e) for e in dataset] == [as_lists(e) for e in expected]
    assert isinstance(as_keras_dataset(expected), tf.data.Dataset)
