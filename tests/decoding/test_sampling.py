"""Samples have the expected frequencies and the model's scores."""

import collections
import math

import numpy as np
import pytest
from keras import ops

from tests.decoding.toy_models import END, USABLE, PrefixModel, continuations, found
from tf_transformer.decoding import greedy_search, sampling_search
from tf_transformer.decoding.distribution import IMPOSSIBLE
from tf_transformer.decoding.sampling import sample

FILTERS = [
    {},
    {"temperature": 0.5},
    {"temperature": 1.7},
    {"top_k": 3},
    {"top_p": 0.8},
    {"top_k": 3, "top_p": 0.6, "temperature": 2.0},
    {"top_k": 99, "top_p": 1.0},
]
EVERY_FILTER = pytest.mark.parametrize("filters", FILTERS)


def changed_probabilities(log_probs, temperature=1.0, top_k=None, top_p=None):
    """The distribution that is sampled from, one token after the other."""
    weights = [math.exp(log_prob / temperature) for log_prob in log_probs]
    order = sorted(range(len(weights)), key=lambda token: -weights[token])[:top_k]
    total = sum(weights[token] for token in order)
    kept, reached = {}, 0.0
    for token in order:
        kept[token] = weights[token] / total
        reached += kept[token]
        if top_p is not None and reached >= top_p:
            break
    return [kept.get(token, 0.0) / reached for token in range(len(weights))]


def samples(model, limits, num_samples, seed=1, max_length=None, **arguments):
    limits = np.array(limits)
    keys = ops.array(np.arange(len(limits)) * 71 + seed, "int32")
    state = model.start(num_samples)
    longest = max_length or max(limits)
    result = sampling_search(
        model.step, state, limits, longest, keys, num_samples, **arguments
    )
    return found(result)


@EVERY_FILTER
def test_each_token_is_sampled_by_its_probability(filters):
    random = np.random.default_rng(3)
    count = 4096
    numbers = (np.arange(count, dtype="float32") + 0.5) / count
    for num_forbidden in (0, 4):
        log_probs = np.log(random.dirichlet(np.ones(9)))
        log_probs[random.permutation(9)[:num_forbidden]] = IMPOSSIBLE
        scores = np.broadcast_to(log_probs.astype("float32"), (count, 9))
        tokens = ops.convert_to_numpy(sample(ops.array(scores), numbers, **filters))
        shares = np.bincount(tokens, minlength=9) / count
        expected = np.array(changed_probabilities(log_probs, **filters))
        np.testing.assert_allclose(shares, expected, atol=1.01 / count)
        assert (shares > 0).sum() == (expected > 0).sum()


def test_the_ends_of_the_range_give_likely_tokens_only():
    log_probs = np.full((2, 6), IMPOSSIBLE, "float32")
    log_probs[:, [1, 4]] = np.log([0.3, 0.1])
    numbers = np.array([2**-23, 1 - 2**-23], "float32")
    for filters, expected in [
        ({}, [1, 4]),
        ({"top_k": 5}, [1, 4]),
        ({"top_k": 1}, [1, 1]),
    ]:
        tokens = sample(ops.array(log_probs), numbers, **filters)
        assert ops.convert_to_numpy(tokens).tolist() == expected


def test_the_nucleus_ends_where_its_probability_is_reached():
    numbers = np.array([0.1, 0.4, 0.6, 0.9], "float32")
    scores = ops.zeros((4, 4))  # 1/4 each
    tokens = ops.convert_to_numpy(sample(scores, numbers, top_p=0.5)).tolist()
    # two tokens of the four; which of equal ones depends on the backend
    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]


def test_a_tiny_temperature_makes_no_nan():
    scores = np.array([[-0.5, -0.4, IMPOSSIBLE, -9.0]], "float32")
    assert int(sample(ops.array(scores), np.array([0.999], "float32"), 1e-37)[0]) == 1


def all_probabilities(model, sentence, limit, **filters):
    """The exact probability of each sentence that may be sampled."""
    result, going_on = {}, {(): 1.0}
    while going_on:
        prefix, probability = going_on.popitem()
        log_probs = [-1e4] * 6
        for ids, log_prob in continuations(model, sentence, prefix, limit):
            log_probs[ids[-1]] = log_prob
        for token, share in enumerate(changed_probabilities(log_probs, **filters)):
            if share > 0:
                where = result if token == END else going_on
                where[(*prefix, token)] = probability * share
    return result


@pytest.mark.parametrize("filters", [{}, {"top_k": 3, "top_p": 0.9, "temperature": 2}])
def test_sentences_are_sampled_as_often_as_they_are_likely(filters):
    model, limits, count = PrefixModel(2, seed=60, scale=1.0), [3, 2], 3000
    sampled = samples(model, limits, count, **filters)
    for sentence, limit in enumerate(limits):
        expected = all_probabilities(model, sentence, limit, **filters)
        assert sum(expected.values()) == pytest.approx(1)
        counts = collections.Counter(ids for _, ids in sampled[sentence])
        assert set(counts) <= set(expected)
        # chi-square: its mean is the degrees of freedom k, its variance 2 k
        chi_square = sum(
            (counts[ids] - count * share) ** 2 / (count * share)
            for ids, share in expected.items()
        )
        freedom = len(expected) - 1
        assert freedom >= 2
        assert chi_square < freedom + 4 * (2 * freedom) ** 0.5


@pytest.mark.parametrize(
    "filters", [{"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-6}]
)
def test_sampling_from_one_choice_is_greedy_search(filters):
    model, limits = PrefixModel(4, seed=61), np.array([7, 3, 0, 6])
    greedy = found(greedy_search(model.step, model.start(), limits, 7))
    for (expected,), rows in zip(
        greedy, samples(model, limits, 3, **filters), strict=True
    ):
        assert [ids for _, ids in rows] == [expected[1]] * 3
        np.testing.assert_allclose([score for score, _ in rows], expected[0], atol=1e-5)


@EVERY_FILTER
def test_scores_are_the_models_and_sentences_whole(filters):
    model, limits = PrefixModel(3, seed=62), [9, 5, 7]
    for sentence, rows in enumerate(
        samples(model, limits, 20, min_length=3, **filters)
    ):
        for score, ids in rows:
            assert score == pytest.approx(model.score(sentence, ids), abs=1e-5)
            assert 3 <= len(ids) <= limits[sentence]
            assert ids.index(END) == len(ids) - 1
            assert set(ids) <= set(USABLE)


def test_other_rows_and_spare_length_change_nothing():
    model, limits = PrefixModel(3, seed=63), np.array([9, 0, 6])
    together = samples(model, limits, 4)
    assert together[1] == [(0.0, ())] * 4
    for sentence in (0, 2):
        start = model.start(4, sentences=slice(sentence, sentence + 1))
        key = ops.array([sentence * 71 + 1], "int32")
        own = limits[sentence : sentence + 1]
        (alone,) = found(sampling_search(model.step, start, own, 13, key, 4))
        assert alone == together[sentence]


@pytest.mark.moderate
def test_keys_and_samples_differ_and_keys_repeat():
    model, limits = PrefixModel(2, seed=64, scale=0.3), [30, 30]
    first = samples(model, limits, 5, min_length=20)
    assert samples(model, limits, 5, min_length=20) == first
    again = samples(model, limits, 5, seed=2, min_length=20)
    everything = [ids for rows in (*first, *again) for _, ids in rows]
    assert len(set(everything)) == 20


def test_prefixes_are_generated_and_scored():
    model, limits = PrefixModel(2, seed=65), [6, 5]
    prefix_ids = np.array([[4, 5, 1, 1], [0, 0, 0, 0]])
    rows, others = samples(model, limits, 9, top_k=2, prefix_ids=prefix_ids)
    assert {ids[:4] for _, ids in rows} == {(4, 5, 1, 1)}
    assert len({ids for _, ids in rows}) > 1
    for score, ids in rows:
        assert score == pytest.approx(model.score(0, ids), abs=1e-5)
    assert others == samples(model, limits, 9, top_k=2)[1]


def test_no_tokens_to_choose_from_are_an_error():
    with pytest.raises(ValueError, match="at least 1, or None for all tokens"):
        sampling_search(None, (), np.array([5]), 5, keys=np.array([1]), top_k=0)
