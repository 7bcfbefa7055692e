"""Batches contain every pair once, in few shapes, with the weights of their update."""

import itertools
from collections import Counter

import numpy as np
import pytest

from tf_transformer.data.batching import Batches

PAD, BOS, EOS = 0, 2, 3
SOURCE_OFFSET, TARGET_OFFSET = 10, 5000


class WordTokenizer:
    """The word "17" is 27 on the source's side and 5017 on the target's."""

    def encode_source(self, texts):
        return [[SOURCE_OFFSET + int(w) for w in t.split()] + [EOS] for t in texts]

    def encode_target(self, texts):
        return [[TARGET_OFFSET + int(w) for w in t.split()] + [EOS] for t in texts]


def make_pairs(num_pairs=211, longest_source=19, longest_target=13):
    """Each pair begins with its own number; lengths are mixed, many occur twice."""
    pairs = []
    for i in range(num_pairs):
        source = [i] + [7] * (i * 5 % longest_source)
        target = [i] + [9] * (i * 3 % longest_target)
        pairs.append((" ".join(map(str, source)), " ".join(map(str, target))))
    return pairs


def make_batches(pairs=None, **arguments):
    arguments = {"batch_tokens": 150, "max_length": 31, **arguments}
    return Batches(pairs or make_pairs(), WordTokenizer(), **arguments)


def decoded(ids, offset):
    return " ".join(str(i - offset) for i in ids.tolist() if i not in (PAD, BOS, EOS))


def pairs_of(elements):
    """The texts of all rows that are not padding alone."""
    found = []
    for inputs, labels, _ in elements:
        for source_ids, label_ids in zip(inputs["source_ids"], labels, strict=True):
            if label_ids.any():
                source = decoded(source_ids, SOURCE_OFFSET)
                found.append((source, decoded(label_ids, TARGET_OFFSET)))
    return found


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("steps", [1, 3])
def test_no_pair_is_lost_or_doubled_in_any_epoch(shuffle, steps):
    batches = make_batches(shuffle=shuffle, gradient_accumulation_steps=steps)
    for epoch in range(3):
        assert Counter(pairs_of(batches.elements(epoch))) == Counter(make_pairs())
    assert batches.num_pairs == 211
    assert batches.num_dropped == 0


def test_source_and_target_are_not_swapped():
    inputs, labels, _ = make_batches([("1 2 4", "5 6")])[0]
    assert [i for i in inputs["source_ids"][0] if i] == [11, 12, 14, EOS]
    assert [i for i in inputs["target_ids"][0] if i] == [BOS, 5005, 5006]
    assert [i for i in labels[0] if i] == [5005, 5006, EOS]


def test_labels_are_the_target_ids_shifted_by_one():
    for inputs, labels, weights in make_batches(shuffle=True):
        target_ids = inputs["target_ids"]
        assert inputs["source_ids"].dtype == target_ids.dtype == labels.dtype == "int32"
        assert weights.dtype == "float32"
        assert target_ids.shape == labels.shape == weights.shape
        for row, label_row in zip(target_ids, labels, strict=True):
            length = np.count_nonzero(label_row)
            assert np.count_nonzero(row) == length
            assert row[0] == BOS
            assert label_row[length - 1] == EOS
            np.testing.assert_array_equal(row[1:length], label_row[: length - 1])
            assert not row[length:].any()


def test_every_sentence_ends_with_its_end_token():
    for inputs, labels, _ in make_batches():
        for ids in [*inputs["source_ids"], *labels]:
            assert ids[np.count_nonzero(ids) - 1] == EOS
            assert np.count_nonzero(ids == EOS) == 1


def test_batches_stay_within_the_budget_and_fill_it():
    batches = make_batches(batch_tokens=97)
    for inputs, labels, _ in batches:
        assert inputs["source_ids"].size <= 97
        assert labels.size <= 97
    sizes = [max(b["source_ids"].size, labels.size) for b, labels, _ in batches]
    assert np.mean(sizes) > 0.75 * 97


def test_a_sentence_longer_than_batch_tokens_is_a_separate_batch():
    pairs = [("1", "2"), ("3 " * 20, "4"), ("5", "6 " * 21)]
    batches = make_batches(pairs, batch_tokens=8)
    assert sorted(len(labels) for _, labels, _ in batches) == [1, 1, 1]


def test_no_batch_is_longer_than_its_longest_sentence():
    pairs = make_pairs(longest_source=29)
    batches = make_batches(pairs, max_length=30, gradient_accumulation_steps=2)
    for inputs, labels, _ in batches:
        for ids in (inputs["source_ids"], labels):
            longest = max(1, np.count_nonzero(ids, axis=1).max())
            assert ids.shape[1] == longest
    assert Counter(pairs_of(batches)) == Counter(pairs)


def test_same_seed_gives_the_same_batches():
    first = make_batches(shuffle=True, seed=4)
    second = make_batches(shuffle=True, seed=4)
    for epoch in range(2):
        orders = [pairs_of(one.elements(epoch)) for one in (first, second)]
        assert orders[0] == orders[1]


def test_another_seed_or_epoch_gives_another_order():
    batches = make_batches(shuffle=True, seed=4)
    other = make_batches(shuffle=True, seed=5)
    orders = [pairs_of(b) for b in (batches, batches.elements(1), other)]
    assert orders[0] != orders[1]
    assert orders[0] != orders[2]


def mates(batches, epoch):
    """All pairs of sentence pairs that share a batch."""
    rows = [sorted(pairs_of([batch])) for batch in batches.elements(epoch)]
    return {mate for row in rows for mate in itertools.combinations(row, 2)}


def test_pairs_get_other_batches_in_each_epoch():
    """Exactly equal lengths are rare: most pairs would keep the mates they have."""
    pairs = [(f"{i} " + "7 " * (i % 7), f"{i} " + "9 " * 6) for i in range(210)]
    batches = make_batches(pairs, batch_tokens=84, shuffle=True)
    assert len(batches) == 21
    first, second = mates(batches, 0), mates(batches, 1)
    # of 210 pairs with 9 mates each, 9 of 209 are mates again by chance
    assert len(first & second) < 0.09 * len(first)
    assert len(first & mates(batches, 2) & second) < 0.02 * len(first)


def test_without_shuffling_every_epoch_is_the_same():
    batches = make_batches()
    epochs = [pairs_of(batches.elements(epoch)) for epoch in range(3)]
    assert epochs[0] == epochs[1] == epochs[2]


def test_setting_the_epoch_resumes_its_order():
    straight = make_batches(shuffle=True, seed=6)
    epochs = [pairs_of(straight.elements(epoch)) for epoch in range(4)]
    assert epochs[0] != epochs[1] != epochs[2] != epochs[3]
    resumed = make_batches(shuffle=True, seed=6)
    resumed.epoch = 2
    for _ in range(2):  # iterating changes nothing
        assert pairs_of(resumed) == epochs[2]
        assert resumed.epoch == 2


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_number_and_sizes_of_batches_are_the_same_in_every_epoch(steps):
    batches = make_batches(shuffle=True, gradient_accumulation_steps=steps)
    sizes = [
        Counter(
            (labels.shape[0], max(inputs["source_ids"].shape[1], labels.shape[1]))
            for inputs, labels, _ in batches.elements(epoch)
        )
        for epoch in range(4)
    ]
    assert all(found == sizes[0] for found in sizes)
    assert all(found.total() == len(batches) for found in sizes)
    assert len(batches) % steps == 0


def test_reading_one_batch_changes_nothing():
    batches = make_batches(shuffle=True)
    again = [batches[3][1].tolist() for _ in range(2)]
    assert again[0] == again[1]
    assert batches.epoch == 0
    assert batches.batch_at(0, 3)[1].tolist() == again[0]


def test_an_epoch_left_early_is_not_counted():
    batches = make_batches(shuffle=True)
    iterator = iter(batches)
    first = next(iterator)[1]
    del iterator
    assert batches.epoch == 0
    np.testing.assert_array_equal(next(iter(batches))[1], first)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_weights_of_an_update_sum_to_its_number_of_batches(steps):
    batches = make_batches(shuffle=True, gradient_accumulation_steps=steps)
    elements = list(batches)
    for start in range(0, len(elements), steps):
        update = elements[start : start + steps]
        num_tokens = sum(np.count_nonzero(labels) for _, labels, _ in update)
        for _, labels, weights in update:
            expected = np.where(labels != PAD, steps / num_tokens, 0.0)
            np.testing.assert_allclose(weights, expected, rtol=1e-6)
        total = sum(weights.sum(dtype="float64") for _, _, weights in update)
        assert total == pytest.approx(steps, rel=1e-6)


def test_the_batches_of_an_update_have_unequal_numbers_of_tokens():
    """Otherwise the test of the weights would prove little."""
    batches = make_batches(shuffle=True, gradient_accumulation_steps=3)
    counts = [np.count_nonzero(labels) for _, labels, _ in batches]
    assert len(set(counts[:3])) == 3


def test_the_last_update_is_filled_up_with_padding():
    num_batches = len(make_batches())
    steps = next(n for n in range(2, 9) if num_batches % n)
    batches = make_batches(shuffle=True, gradient_accumulation_steps=steps)
    elements = list(batches)
    assert len(elements) == len(batches) == num_batches + steps - num_batches % steps
    for inputs, labels, weights in elements[num_batches:]:
        assert labels.shape[0] == 1
        for array in (*inputs.values(), labels, weights):
            assert array.ndim == 2
            assert not array.any()


def test_too_long_pairs_are_dropped_whole_and_counted():
    fits = (" ".join(["1"] * 10), " ".join(["2"] * 10))
    pairs = [
        fits,
        ("1 " * 11, "2"),
        ("3", "4 " * 11),
        ("5 " * 12, "6 " * 13),
        ("7", "8"),
    ]
    batches = make_batches(pairs, max_length=11)
    assert Counter(pairs_of(batches)) == Counter([fits, ("7", "8")])
    assert batches.num_dropped == 3
    assert batches.num_pairs == 2
    assert batches.num_target_tokens == 11 + 2


def test_blank_pairs_are_dropped_and_counted():
    batches = make_batches([("", "1"), ("2", " \u3000"), ("3", "4")])
    assert pairs_of(batches) == [("3", "4")]
    assert batches.num_dropped == 2


def test_pairs_are_encoded_in_chunks(monkeypatch):
    monkeypatch.setattr("tf_transformer.data.encoding._PAIRS_PER_CHUNK", 10)
    assert Counter(pairs_of(make_batches())) == Counter(make_pairs())


def test_pairs_may_come_from_a_generator():
    batches = Batches((pair for pair in make_pairs()), WordTokenizer())
    assert batches.num_pairs == 211


@pytest.mark.parametrize("pairs", [[("1 2 3", "4")], [("", " ")], iter(())])
def test_no_pair_left_is_an_error(pairs):
    with pytest.raises(ValueError, match=r"no pairs.*Expected.*Received: \d pairs"):
        Batches(pairs, WordTokenizer(), max_length=3)


@pytest.mark.parametrize("item", [{"5": "6", "7": "8"}, "57", ("5", "7", "9")])
def test_items_that_are_not_pairs_are_refused(item):
    """Two keys of a dictionary, or two characters, would be read as a pair."""
    with pytest.raises(ValueError, match=r"Expected \(source, target\).*Received: "):
        make_batches([item])


@pytest.mark.parametrize("index", [-1, 10_000])
def test_no_such_batch_is_an_index_error(index):
    with pytest.raises(IndexError, match=rf"Expected 0 <= .*Received: index={index}"):
        make_batches()[index]


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_tokens": 0},
        {"seed": -1},
        {"max_length": 1},
        {"gradient_accumulation_steps": 0},
    ],
)
def test_an_argument_out_of_range_is_an_error(arguments):
    ((name, value),) = arguments.items()
    with pytest.raises(ValueError, match=f"{name} cannot.*Received: {name}={value}"):
        make_batches(**arguments)
