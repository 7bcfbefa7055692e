"""Greedy search takes the argmax, for each sentence separately."""

import numpy as np
import pytest
from keras import ops

from tests.decoding.toy_models import (
    END,
    PrefixModel,
    continuations,
    found,
    looks_inside_the_loop,
)
from tests.further import further
from tf_transformer.decoding import greedy_search

WORDS = ["sequentially", "cat", "to"]


class Speller:
    """Wants to write a word, letter by letter, and then to end."""

    def __init__(self, words):
        self.letters = sorted({letter for word in words for letter in word})
        rows = [[4 + self.letters.index(letter) for letter in word] for word in words]
        longest = max(len(row) for row in rows) + 3
        self.ids = np.full((len(rows), longest), END)
        for ids, row in zip(self.ids, rows, strict=True):
            ids[: len(row)] = row
        self.num_calls = 0
        self.read = []

    def step(self, token_ids, position):
        self.num_calls += 1
        self.read.append(ops.convert_to_numpy(token_ids).tolist())
        wanted = ops.take(self.ids, position, axis=1)
        return 9.0 * ops.one_hot(wanted, 4 + len(self.letters)), position + 1

    def text(self, ids):
        return "".join("...$"[i] if i < 4 else self.letters[i - 4] for i in ids)

    def search(self, limits, max_length=15, **arguments):
        limits = ops.convert_to_tensor(np.array(limits))
        position = ops.convert_to_tensor(0)
        return greedy_search(self.step, position, limits, max_length, **arguments)

    def written(self, *arguments, **named):
        return [
            self.text(ids) for ((_, ids),) in found(self.search(*arguments, **named))
        ]


def plain_greedy(model, sentence, limit, forced=()):
    score, ids = 0.0, ()
    while ids[-1:] != (END,):
        choices = continuations(model, sentence, ids, limit, forced=forced)
        ids, log_prob = max(choices, key=lambda choice: choice[1])
        score += log_prob
    return score, ids


@looks_inside_the_loop
def test_spells_words_of_different_lengths_and_ends():
    speller = Speller(WORDS)
    result = speller.search([15, 15, 15])
    assert result["token_ids"].shape == (3, 1, 15)
    assert result["log_probs"].shape == (3, 1)
    texts = [speller.text(ids) for ((_, ids),) in found(result)]
    assert texts == ["sequentially$", "cat$", "to$"]
    after_the_end = ops.convert_to_numpy(result["token_ids"])[1, 0, 4:]
    assert not after_the_end.any()


@looks_inside_the_loop
def test_each_step_reads_the_token_of_the_step_before():
    speller = Speller(["at", "t"])
    speller.search([9, 9], max_length=9)
    a, t = 4, 5
    assert speller.read == [[2, 2], [a, t], [t, END]]


@looks_inside_the_loop
@pytest.mark.parametrize("words, num_calls", [(WORDS, 13), (WORDS[1:], 4), (["to"], 3)])
def test_stops_when_all_have_ended(words, num_calls):
    speller = Speller(words)
    speller.search([15] * len(words))
    assert speller.num_calls == num_calls


@looks_inside_the_loop
def test_each_sentence_has_its_own_limit():
    speller = Speller(WORDS)
    assert speller.written([5, 15, 2]) == ["sequ$", "cat$", "t$"]
    assert speller.num_calls == 5


@looks_inside_the_loop
def test_limit_1_is_the_end_and_limit_0_is_nothing():
    speller = Speller(WORDS)
    result = speller.search([1, 0, 15])
    (one,), (nothing,), (whole,) = found(result)
    assert one[1] == (END,)
    assert nothing == (0.0, ())
    assert speller.text(whole[1]) == "to$"


@looks_inside_the_loop
def test_no_step_runs_if_nothing_is_generated():
    speller = Speller(WORDS)
    assert found(speller.search([0, 0, 0])) == [[(0.0, ())]] * 3
    assert speller.num_calls == 0


@pytest.mark.parametrize("seed", [0, *further(1, 2, 3)])
def test_equals_a_plain_loop_on_random_models(seed):
    model, limits = PrefixModel(5, seed), [7, 3, 1, 6, 4]
    result = found(greedy_search(model.step, model.start(), ops.array(limits), 7))
    for sentence, (limit, ((score, ids),)) in enumerate(
        zip(limits, result, strict=True)
    ):
        expected_score, expected_ids = plain_greedy(model, sentence, limit)
        assert ids == expected_ids
        assert score == pytest.approx(expected_score, abs=1e-5)
        assert score == pytest.approx(model.score(sentence, ids), abs=1e-5)


def test_other_rows_of_the_batch_change_nothing():
    model, limits = PrefixModel(4, seed=5), np.array([7, 2, 0, 5])
    together = found(greedy_search(model.step, model.start(), limits, 7))
    for sentence in range(4):
        own = slice(sentence, sentence + 1)
        start = model.start(sentences=own)
        (alone,) = found(greedy_search(model.step, start, limits[own], 9))
        assert alone[0][1] == together[sentence][0][1]
        assert alone[0][0] == pytest.approx(together[sentence][0][0], abs=1e-6)


@looks_inside_the_loop
def test_min_length_forbids_an_early_end():
    speller = Speller(["to", "cat"])
    for (_, ids), fewest in zip(
        [row[0] for row in found(speller.search([15, 15], min_length=5))],
        [5, 5],
        strict=True,
    ):
        assert len(ids) == fewest
        assert ids.index(END) == len(ids) - 1
    # the end token counts: "cat" and its end are 4
    assert speller.written([15, 15], min_length=4)[1] == "cat$"


@looks_inside_the_loop
def test_min_length_counts_more_than_a_lower_limit():
    speller = Speller(["cat", "to"])
    lengths = [len(text) for text in speller.written([2, 0], min_length=4)]
    assert lengths == [4, 0]


def test_padding_and_start_are_never_generated():
    def step(token_ids, state):
        # most probable first: padding, start, 4
        logits = ops.array([8.0, -1.0, 7.0, 1.0, 2.0, 0.0])
        return ops.broadcast_to(logits, (2, 6)), state

    result = found(greedy_search(step, (), ops.array([4, 2]), 4))
    assert [ids for ((_, ids),) in result] == [(4, 4, 4, 3), (4, 3)]
    logits = np.array([8.0, -1.0, 7.0, 1.0, 2.0, 0.0])
    log_probs = logits - np.log(np.exp(logits).sum())  # without rescaling
    assert result[1][0][0] == pytest.approx(log_probs[4] + log_probs[3], abs=1e-5)


def test_prefixes_are_generated_and_scored():
    model, limits = PrefixModel(3, seed=4), np.array([7, 6, 5])
    prefix_ids = np.array([[5, 5, 4], [0, 0, 0], [1, 0, 0]])
    result = found(
        greedy_search(model.step, model.start(), limits, 7, prefix_ids=prefix_ids)
    )
    for sentence, forced in enumerate([(5, 5, 4), (), (1,)]):
        expected = plain_greedy(model, sentence, limits[sentence], forced)
        ((score, ids),) = result[sentence]
        assert ids == expected[1]
        assert score == pytest.approx(expected[0], abs=1e-5)
