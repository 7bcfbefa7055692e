"""No repeated n-grams, and the penalty of repeated tokens."""

import math

import numpy as np
import pytest
from keras import ops

from tests.backend import in_graph
from tests.decoding.toy_models import (
    END,
    USABLE,
    VOCAB,
    PrefixModel,
    found,
    rank,
)
from tests.fast import FAST
from tf_transformer.decoding import beam_search, greedy_search, sampling_search
from tf_transformer.decoding.repetition import penalize_repetition, repeating_tokens

LIMITS = [8, 7, 5, 1]
RULES = [
    {"no_repeat_ngram_size": 1},
    {"no_repeat_ngram_size": 2},
    {"repetition_penalty": 1.7},
    {"no_repeat_ngram_size": 2, "repetition_penalty": 1.3},
]
EVERY_RULE = pytest.mark.parametrize(
    "rules", RULES, ids=lambda rules: "-".join(map(str, rules.values()))
)


def ngrams(ids, size):
    return [tuple(ids[i : i + size]) for i in range(len(ids) - size + 1)]


def log_softmax(logits):
    return logits - math.log(np.exp(logits).sum())


def next_scores(
    model, sentence, prefix, limit, no_repeat_ngram_size=0, repetition_penalty=1.0
):
    """In Python: for each token that may follow, its rank score and own ln P."""
    own = model.log_probs(sentence, prefix)
    logits = model.last_logits(sentence, prefix)
    for token in set(prefix):
        factor = repetition_penalty if logits[token] < 0 else 1 / repetition_penalty
        logits[token] *= factor
    scores = log_softmax(logits)
    for token in (END,) if len(prefix) + 1 == limit else USABLE:
        size = no_repeat_ngram_size
        longer = (*prefix, token)
        if size and len(set(ngrams(longer, size))) < len(ngrams(longer, size)):
            continue
        yield token, scores[token], own[token]


class Model(PrefixModel):
    def last_logits(self, sentence, prefix):
        code = 0
        for token in (2, *prefix):
            code = (code * 7 + token + 1) % self.logits.shape[1]
        return self.logits[sentence, code].astype("float64")


def plain_greedy(model, sentence, limit, **rules):
    total, ids = 0.0, ()
    while END not in ids:
        choices = next_scores(model, sentence, ids, limit, **rules)
        token, _, own = max(choices, key=lambda choice: choice[1])
        ids, total = (*ids, token), total + own
    return total, ids


def plain_beam(model, sentence, limit, beam_size, alpha, **rules):
    beams = [(0.0, 0.0, ())]
    while any(END not in ids for _, _, ids in beams):
        candidates = []
        for score, total, ids in beams:
            if END in ids:
                candidates.append((score, total, ids))
                continue
            for token, gained, own in next_scores(model, sentence, ids, limit, **rules):
                candidates.append((score + gained, total + own, (*ids, token)))
        candidates.sort(key=lambda one: -rank(one[0], one[2], alpha))
        beams = candidates[:beam_size]
    return [(total, ids) for _, total, ids in beams]


def check(result, expected):
    for row, expected_row in zip(found(result), expected, strict=True):
        assert [ids for _, ids in row] == [ids for _, ids in expected_row]
        np.testing.assert_allclose(
            [score for score, _ in row], [total for total, _ in expected_row], atol=1e-4
        )


@EVERY_RULE
def test_greedy_search_equals_a_plain_loop(rules):
    num_changed = 0
    for seed in range(1 if FAST else 2):
        model = Model(len(LIMITS), seed)
        search = [model.step, model.start(), np.array(LIMITS), max(LIMITS)]
        expected = [
            [plain_greedy(model, sentence, limit, **rules)]
            for sentence, limit in enumerate(LIMITS)
        ]
        check(greedy_search(*search, **rules), expected)
        num_changed += found(greedy_search(*search)) != expected
    assert num_changed > 0


@EVERY_RULE
def test_beam_search_equals_a_plain_loop(rules):
    for seed in range(1 if FAST else 2):
        model = Model(len(LIMITS), seed)
        result = beam_search(
            *(model.step, model.start(3), np.array(LIMITS), max(LIMITS)),
            beam_size=3,
            alpha=0.6,
            **rules,
        )
        expected = [
            plain_beam(model, sentence, limit, 3, 0.6, **rules)[:1]
            for sentence, limit in enumerate(LIMITS)
        ]
        check(result, expected)


def test_samples_hold_no_ngram_twice_and_all_others():
    model = Model(2, seed=1, scale=0.2)
    results = []
    for sizes in ({}, {"no_repeat_ngram_size": 2}):
        result = sampling_search(
            *(model.step, model.start(40), np.array([9, 7]), 9),
            keys=ops.array([3, 8], "int32"),
            num_samples=40,
            **sizes,
        )
        rows = [ids for row in found(result) for _, ids in row]
        results.append([len(set(ngrams(ids, 2))) < len(ngrams(ids, 2)) for ids in rows])
        for sentence, row in enumerate(found(result)):
            for score, ids in row:
                assert score == pytest.approx(model.score(sentence, ids), abs=1e-4)
    assert sum(results[0]) > 10
    assert sum(results[1]) == 0


def test_a_penalty_changes_the_frequencies_of_samples():
    # after token 4, the odds of 4 against 5 fall from e^2 to e^1
    def step(token_ids, state):
        return ops.array([[0.0, -9.0, 0.0, -9.0, 2.0, 0.0]] * 4000), state

    prefix_ids = np.full((1, 1), 4)
    result = sampling_search(
        *(step, (), np.array([3]), 3),
        keys=ops.array([5], "int32"),
        num_samples=4000,
        min_length=3,
        prefix_ids=prefix_ids,
        repetition_penalty=2.0,
    )
    second = ops.convert_to_numpy(result["token_ids"])[0, :, 1]
    odds = (second == 4).sum() / (second == 5).sum()
    assert odds == pytest.approx(math.e, rel=0.1)


def test_tokens_of_a_prefix_count_as_generated():
    model = Model(2, seed=2)
    prefix_ids = np.array([[4, 4, 4], [5, 0, 0]])
    result = greedy_search(
        *(model.step, model.start(), np.array([7, 7]), 7),
        prefix_ids=prefix_ids,
        no_repeat_ngram_size=1,
    )
    (first,), (second,) = found(result)
    assert first[1][:3] == (4, 4, 4)
    assert 4 not in first[1][3:]
    assert second[1][0] == 5
    assert 5 not in second[1][1:]


@pytest.mark.parametrize("search", [greedy_search, beam_search])
def test_without_any_token_left_there_is_no_probability(search):
    # each of 1, 4 and 5 once; then only the end, which is too early
    model = Model(1, seed=3)
    result = search(
        *(model.step, model.start(2 if search is beam_search else 1)),
        *(np.array([9]), 9),
        **({"beam_size": 2} if search is beam_search else {}),
        min_length=6,
        no_repeat_ngram_size=1,
    )
    assert found(result) == [[(-math.inf, ())]]


@pytest.mark.long
def test_repetition_rules_in_a_compiled_search():
    rules = {"no_repeat_ngram_size": 2, "repetition_penalty": 1.4}
    logits = np.random.default_rng(4).normal(size=(4 * 2, VOCAB)).astype("float32")

    def search(logits):
        return beam_search(
            *(lambda token_ids, state: (logits, state), {"hypothesis": {}}),
            *(np.array(LIMITS), max(LIMITS)),
            beam_size=2,
            **rules,
        )

    eager, compiled = search(ops.array(logits)), in_graph(search)(logits)
    assert [[ids for _, ids in row] for row in found(compiled)] == [
        [ids for _, ids in row] for row in found(eager)
    ]


def test_long_ngrams_never_repeat_in_short_texts():
    written = ops.array(np.full((1, 2, 3), 4, "int32"))
    for size in (4, 9):
        forbidden = repeating_tokens(written, 3, ngram_size=size, vocab_size=VOCAB)
        assert not ops.convert_to_numpy(forbidden).any()


def test_penalties_of_extreme_logits_are_defined():
    logits = ops.array([[[math.inf, -math.inf, math.nan, 1e38, -1e38, 0.0]]])
    written = ops.array([[[1, 2, 3, 4, 5]]])
    found = ops.convert_to_numpy(penalize_repetition(logits, written, 100.0))[0, 0]
    expected = [math.inf, -math.inf, math.nan, 1e36, -math.inf, 0.0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
