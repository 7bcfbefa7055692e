"""Beam search finds what exhaustive search finds."""

import math

import numpy as np
import pytest
from keras import ops

from tests.decoding.toy_models import (
    END,
    PrefixModel,
    every_sentence,
    found,
    looks_inside_the_loop,
    plain_beam_search,
    tree_start,
    tree_step,
)
from tests.further import further
from tf_transformer.decoding import beam_search, greedy_search

LIMITS = [5, 3, 4]
ALPHAS = pytest.mark.parametrize("alpha", [0.0, 0.6])
# 3 tokens that continue, at most 5 with the end: 1 + 3 + 9 + 27 + 81 sentences
NUM_SENTENCES_OF_5 = 121


def searched(model, limits=LIMITS, beam_size=3, **arguments):
    state = model.start(beam_size)
    limits = np.array(limits)
    return found(
        beam_search(model.step, state, limits, max(limits), beam_size, **arguments)
    )


def assert_same(found, expected):
    assert [ids for _, ids in found] == [ids for _, ids in expected]
    np.testing.assert_allclose(
        [score for score, _ in found], [score for score, _ in expected], atol=2e-5
    )


@ALPHAS
@pytest.mark.parametrize("seed", [0, *further(1, 2)])
def test_equals_exhaustive_search(seed, alpha):
    model, beam_size = PrefixModel(3, seed), NUM_SENTENCES_OF_5 + 3
    result = searched(model, beam_size=beam_size, alpha=alpha, num_hypotheses=beam_size)
    for sentence, limit in enumerate(LIMITS):
        expected = every_sentence(model, sentence, limit, alpha)
        num_sentences = sum(3**n for n in range(limit))
        assert len(expected) == num_sentences
        assert_same(result[sentence][:num_sentences], expected)
        nothing = [(-math.inf, ())] * (beam_size - num_sentences)
        assert result[sentence][num_sentences:] == nothing


def test_equals_exhaustive_search_with_a_least_length():
    model, beam_size = PrefixModel(3, seed=7), NUM_SENTENCES_OF_5
    arguments = {"alpha": 0.6, "min_length": 3}
    result = searched(model, beam_size=beam_size, num_hypotheses=9, **arguments)
    for sentence, limit in enumerate(LIMITS):
        expected = every_sentence(model, sentence, limit, **arguments)[:9]
        assert_same(result[sentence], expected)
        assert min(len(ids) for _, ids in result[sentence]) >= 3


@pytest.mark.parametrize("min_length", [0, 4])
def test_equals_exhaustive_search_with_prefixes(min_length):
    model, beam_size = PrefixModel(3, seed=8), NUM_SENTENCES_OF_5
    forced = [(5, 1, 4), (), (4,)]
    prefix_ids = np.array([[5, 1, 4], [0, 0, 0], [4, 0, 0]])
    arguments = {"alpha": 0.6, "min_length": min_length}
    limits = [5, 4, 5]
    result = searched(
        model,
        limits,
        beam_size=beam_size,
        num_hypotheses=beam_size,
        prefix_ids=prefix_ids,
        **arguments,
    )
    for sentence, limit in enumerate(limits):
        prefix = forced[sentence]
        expected = every_sentence(model, sentence, limit, forced=prefix, **arguments)
        written = [one for one in result[sentence] if one[1]]
        assert_same(written, expected)
        assert {ids[: len(prefix)] for _, ids in written} == {prefix}


@pytest.mark.moderate
@ALPHAS
@pytest.mark.parametrize("beam_size", [3, *further(2, 5)])
def test_small_beams_equal_beam_search_over_lists(beam_size, alpha):
    for seed in range(3):
        model, limits = PrefixModel(3, seed + 10), [7, 4, 6]
        result = searched(
            model, limits, beam_size, alpha=alpha, num_hypotheses=beam_size
        )
        for sentence, limit in enumerate(limits):
            expected = plain_beam_search(model, sentence, limit, beam_size, alpha)
            assert_same(result[sentence], expected)


@ALPHAS
@pytest.mark.parametrize("seed", [0, *further(1, 2, 3)])
def test_beam_of_1_is_greedy_search(seed, alpha):
    model, limits = PrefixModel(5, seed + 20), np.array([7, 3, 0, 6, 4])
    greedy = found(greedy_search(model.step, model.start(), limits, 7))
    result = searched(model, limits, beam_size=1, alpha=alpha)
    for (one,), (other,) in zip(result, greedy, strict=True):
        assert_same([one], [other])


def probabilities(**by_name):
    row = np.zeros(6)
    for name, probability in by_name.items():
        row[int(name.removeprefix("p"))] = probability
    return row


@looks_inside_the_loop
def test_beats_greedy_search_where_the_first_token_misleads():
    tree = {
        (): probabilities(p4=0.6, p5=0.4),
        (4,): probabilities(p1=0.35, p4=0.35, p5=0.3),
        (5,): probabilities(p4=0.9, p5=0.1),
        (5, 4): probabilities(p3=0.9, p4=0.1),
        **{(4, token): probabilities(p3=0.5, p4=0.5) for token in (1, 4, 5)},
    }
    step, limits = tree_step(tree), np.array([3])
    ((greedy,),) = found(greedy_search(step, tree_start(1), limits, 3))
    ((beam,),) = found(beam_search(step, tree_start(2), limits, 3, 2, alpha=0.0))
    assert greedy[1] == (4, 1, END)
    assert greedy[0] == pytest.approx(math.log(0.6 * 0.35 * 0.5), abs=1e-6)
    assert beam[1] == (5, 4, END)
    assert beam[0] == pytest.approx(math.log(0.4 * 0.9 * 0.9), abs=1e-6)


@pytest.mark.parametrize("beam_size", [1, 2, 3])
def test_a_finished_hypothesis_keeps_its_score(beam_size):
    # the end is always the argmax: P = 0.55 at once (KerasHub: -1.291)
    always = probabilities(p3=0.55, p4=0.3, p5=0.15)

    def step(token_ids, state):
        logits = ops.log(ops.convert_to_tensor(np.maximum(always, 1e-30)))
        return ops.broadcast_to(logits, (token_ids.shape[0], 6)), state

    state, limits = {"hypothesis": {}}, np.array([4])
    ((first, *others),) = found(
        beam_search(step, state, limits, 4, beam_size, 0.0, num_hypotheses=beam_size)
    )
    assert first[1] == (END,)
    assert (
        first[0]
        == pytest.approx(math.log(0.55), abs=1e-6)
        == pytest.approx(-0.598, abs=2e-4)
    )
    expected = [((4, END), 0.3 * 0.55), ((4, 4, END), 0.09 * 0.55)][: len(others)]
    for (score, ids), (expected_ids, probability) in zip(others, expected, strict=True):
        assert ids == expected_ids
        assert score == pytest.approx(math.log(probability), abs=1e-6)


@looks_inside_the_loop
def test_a_finished_hypothesis_keeps_its_score_when_the_beam_is_reordered():
    # OpenNMT-tf gives the end -0.5108 = ln 0.6, the score of its neighbour
    tree = {
        (): probabilities(p3=0.4, p4=0.6),
        (4,): probabilities(p4=0.5, p5=0.5),
        (4, 4): probabilities(p3=0.5, p4=0.5),
        (4, 5): probabilities(p3=0.5, p5=0.5),
    }
    state, limits = tree_start(2), np.array([4])
    ((first, second),) = found(
        beam_search(tree_step(tree), state, limits, 4, 2, 0.0, num_hypotheses=2)
    )
    assert first[1] == (END,)
    assert first[0] == pytest.approx(-0.9163, abs=5e-5)
    assert second[0] < first[0]


@looks_inside_the_loop
def test_length_penalty_counts_the_end_token():
    # penalties (7/6)^a and (8/6)^a for 2 and 3 tokens; equal ranks at a = 1
    short, long = math.log(0.5), math.log(0.5) * 8 / 7
    probability = math.exp(long - math.log(0.5))
    for change, expected in [(0.99, (4, END)), (1.01, (4, 5, END))]:
        tree = {
            (): probabilities(p4=1.0),
            (4,): probabilities(p3=0.5, p5=0.5),
            (4, 5): probabilities(p3=probability * change, p4=1 - probability * change),
        }
        result = beam_search(
            tree_step(tree), tree_start(2), np.array([3]), 3, 2, alpha=1.0
        )
        (((score, ids),),) = found(result)
        assert ids == expected
        assert score == pytest.approx(short if change < 1 else long, abs=0.02)


@pytest.mark.moderate
@ALPHAS
def test_other_rows_and_spare_length_change_nothing(alpha):
    model, limits = PrefixModel(4, seed=30), np.array([7, 2, 0, 5])
    arguments = {"beam_size": 3, "alpha": alpha, "num_hypotheses": 3}
    together = searched(model, limits, **arguments)
    for sentence in range(4):
        own = slice(sentence, sentence + 1)
        start = model.start(3, sentences=own)
        result = beam_search(model.step, start, limits[own], 11, **arguments)
        assert result["token_ids"].shape == (1, 3, 11)
        (alone,) = found(result)
        assert [ids for _, ids in alone] == [ids for _, ids in together[sentence]]
        np.testing.assert_allclose(
            [score for score, _ in alone], [score for score, _ in together[sentence]]
        )


def test_limit_0_is_nothing_and_limit_1_is_the_end():
    model = PrefixModel(3, seed=31)
    nothing, end, _ = searched(model, [0, 1, 5], num_hypotheses=2)
    assert nothing == [(0.0, ()), (-math.inf, ())]
    assert end[0][1] == (END,)
    assert end[0][0] == pytest.approx(model.score(1, (END,)), abs=1e-6)
    assert end[1] == (-math.inf, ())


@pytest.mark.long
@looks_inside_the_loop
@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_stopping_early_never_changes_the_best_hypothesis(alpha):
    num_calls = {1: 0, 4: 0}
    for seed in range(4):
        model, limits, first = PrefixModel(3, seed + 40), [9, 8, 7], {}
        for num_hypotheses in num_calls:
            model.num_calls = 0
            result = searched(
                model, limits, 4, alpha=alpha, num_hypotheses=num_hypotheses
            )
            first[num_hypotheses] = [best for best, *_ in result]
            num_calls[num_hypotheses] += model.num_calls
        assert first[1] == first[4]
    assert num_calls[1] < num_calls[4]


@looks_inside_the_loop
def test_stops_as_soon_as_the_end_cannot_be_beaten():
    calls = []

    def step(token_ids, state):
        calls.append(len(calls))
        logits = np.full((token_ids.shape[0], 6), -9.0, "float32")
        logits[:, END if len(calls) >= 3 else 4] = 9.0
        return ops.convert_to_tensor(logits), state

    result = beam_search(step, {"hypothesis": {}}, np.array([50, 40]), 50, 3, 0.6)
    assert [ids for ((_, ids),) in found(result)] == [(4, 4, END)] * 2
    assert len(calls) == 3
    calls.clear()
    beam_search(step, {"hypothesis": {}}, np.array([0, 0]), 50, 3, 0.6)
    assert not calls


@pytest.mark.parametrize("seed", [0, *further(1, 2)])
def test_scores_are_the_models_and_hypotheses_whole_and_different(seed):
    model, limits = PrefixModel(3, seed + 50), [8, 5, 2]
    for sentence, hypotheses in enumerate(
        searched(model, limits, beam_size=6, alpha=0.6, num_hypotheses=6)
    ):
        written = [(score, ids) for score, ids in hypotheses if ids]
        assert len({ids for _, ids in written}) == len(written) >= 4
        for score, ids in written:
            assert ids.index(END) == len(ids) - 1 < limits[sentence]
            assert not {0, 2} & set(ids)
            assert score == pytest.approx(model.score(sentence, ids), abs=1e-5)


@pytest.mark.parametrize(
    ("state", "num_hypotheses"), [({"hypothesis": {}}, 4), ({}, 1), ({"a": 1}, 1)]
)
def test_wrong_arguments_are_named(state, num_hypotheses):
    message = f"num_hypotheses={num_hypotheses}, beam_size=3"
    with pytest.raises(ValueError, match=message):
        beam_search(None, state, np.array([5]), 5, 3, num_hypotheses=num_hypotheses)
