"""At most 12 shapes, every pair once, and the same loss as with other shapes."""

from collections import Counter

import numpy as np
import pytest

from tests.data.test_batching import WordTokenizer, make_pairs, pairs_of
from tf_transformer.data.batching import Batches
from tf_transformer.data.datasets import make_batches
from tf_transformer.data.window import static_shapes


def make(pairs=None, **arguments):
    arguments = {"batch_tokens": 200, "max_length": 31, **arguments}
    pairs = make_pairs() if pairs is None else pairs
    return Batches(pairs, WordTokenizer(), static_shapes=True, **arguments)


def pairs_of_lengths(seed, longest, num_pairs=700):
    """Lengths as in real text: many short sentences and a few very long ones."""
    generator = np.random.default_rng(seed)
    lengths = np.minimum(generator.lognormal(2.6, 0.9, (num_pairs, 2)), longest - 2)
    return [
        (f"{i}" + " 7" * int(source), f"{i}" + " 9" * int(target))
        for i, (source, target) in enumerate(lengths)
    ]


@pytest.mark.parametrize("max_length", [2, 7, 8, 9, 31, 64, 100, 257, 512, 1000, 5000])
@pytest.mark.parametrize("batch_tokens", [1, 60, 1024, 4096, 25000])
def test_shapes_hold_every_length_and_no_more_tokens_than_allowed(
    max_length, batch_tokens
):
    shapes = static_shapes(max_length, batch_tokens)
    assert 1 <= len(shapes) <= 12
    lengths = [length for _, length in shapes]
    assert lengths == sorted(set(lengths))
    assert lengths[-1] == max_length
    for rows, length in shapes:
        assert rows == 1 or rows * length <= batch_tokens
        assert rows % 8 == 0 or 8 * length > batch_tokens
        assert length % 8 == 0 or length == max_length
        # no more rows would fit
        step = 8 if rows >= 8 else 1
        assert (rows + step) * length > batch_tokens


@pytest.mark.parametrize("longest", [20, 90, 512])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("batch_tokens", [64, 1024])
def test_a_whole_training_has_at_most_twelve_shapes(longest, steps, batch_tokens):
    arguments = {"max_length": longest, "batch_tokens": batch_tokens}
    train_pairs, valid_pairs = (pairs_of_lengths(s, longest) for s in (1, 2))
    batches = make(
        train_pairs, shuffle=True, gradient_accumulation_steps=steps, **arguments
    )
    seen = set()
    for epoch in range(3):
        elements = list(batches)
        assert Counter(pairs_of(elements)) == Counter(train_pairs), epoch
        seen |= {labels.shape for _, labels, _ in elements}
        for inputs, labels, weights in elements:
            assert inputs["source_ids"].shape == labels.shape == weights.shape
            assert inputs["target_ids"].shape == labels.shape
    seen |= {labels.shape for _, labels, _ in make(valid_pairs, **arguments)}
    assert seen <= set(static_shapes(longest, batch_tokens))
    assert len(seen) <= 12


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_weights_of_an_update_sum_to_its_number_of_batches(steps):
    batches = make(shuffle=True, gradient_accumulation_steps=steps)
    elements = list(batches)
    assert len(elements) % steps == 0
    for start in range(0, len(elements), steps):
        update = elements[start : start + steps]
        num_tokens = sum(np.count_nonzero(labels) for _, labels, _ in update)
        for _, labels, weights in update:
            expected = np.where(labels != 0, steps / num_tokens, 0.0)
            np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_the_last_update_is_filled_up_with_a_shape_of_the_others():
    num_batches = len(make())
    steps = next(n for n in range(2, 9) if num_batches % n)
    elements = list(make(gradient_accumulation_steps=steps))
    assert len(elements) > num_batches
    shapes = {labels.shape for _, labels, _ in elements[:num_batches]}
    for inputs, labels, weights in elements[num_batches:]:
        assert labels.shape in shapes
        assert not any(a.any() for a in (*inputs.values(), labels, weights))


def test_rows_that_fill_up_are_nothing_but_padding():
    filled = 0
    for inputs, labels, weights in make():
        empty = ~labels.any(axis=1)
        filled += empty.sum()
        assert not np.any(empty[:-1] & ~empty[1:])  # at the end
        for array in (*inputs.values(), weights):
            assert not array[empty].any()
    assert filled > 0


def test_pairs_of_one_shape_change_batches_between_epochs():
    batches = make(shuffle=True, seed=3)
    first, second = (
        {frozenset(pairs_of([b])) for b in batches.elements(epoch)}
        for epoch in range(2)
    )
    assert first != second
    again = make(shuffle=True, seed=3)
    again.epoch = 1
    assert {frozenset(pairs_of([b])) for b in again} == second


@pytest.mark.moderate
def test_the_loss_is_that_of_batches_of_any_shape():
    """Weighted sums over a model's losses, for the same sentences."""
    from tests.models.small_model import make_model
    from tf_transformer.training.losses import MaskedCrossEntropy

    class SmallNumbers(WordTokenizer):
        def encode_source(self, texts):
            return [[4 + int(word) % 19 for word in t.split()] + [3] for t in texts]

        encode_target = encode_source

    pairs = make_pairs(23, longest_source=17, longest_target=11)
    model, loss = make_model(num_layers=1), MaskedCrossEntropy()
    means = []
    for static in (False, True):
        batches = Batches(
            pairs,
            SmallNumbers(),
            batch_tokens=200,
            max_length=18,
            static_shapes=static,
        )
        total = 0.0
        for inputs, labels, weights in batches:
            num_tokens = np.count_nonzero(labels)
            total += num_tokens * float(loss(labels, model(inputs), weights))
        means.append(total / batches.num_target_tokens)
    assert means[0] > 1
    assert means[1] == pytest.approx(means[0], rel=1e-5)


@pytest.mark.parametrize(
    ("backend", "option", "expected"),
    [
        ("tensorflow", None, False),
        ("jax", None, True),
        ("torch", None, True),
        ("tensorflow", True, True),
        ("jax", False, False),
    ],
)
def test_the_backend_decides_by_default(monkeypatch, backend, option, expected):
    monkeypatch.setattr("keras.backend.backend", lambda: backend)
    made = make_batches(make_pairs(), WordTokenizer(), static_shapes=option)
    assert made.static_shapes is expected
