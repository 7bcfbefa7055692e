"""Attention from *it* to its noun, for heads that are constructed for it and others."""

import dataclasses

import numpy as np
import pytest

from tf_transformer.analysis.antecedents import (
    antecedent_baselines,
    antecedent_positions,
    antecedent_scores,
    examples_with_antecedent,
    korean_antecedent_position,
)
from tf_transformer.analysis.maps import AttentionMaps
from tf_transformer.corpora.en_ko_grammar import HELD_OUT

ANIMAL, THING = HELD_OUT[1:]  # "... too tired", "... too wide"


@pytest.fixture(scope="module")
def examples():
    return examples_with_antecedent("test")


def pieces_of(text):
    """Two pieces for every word, and the end token."""
    return [
        *(piece for word in text.split() for piece in ("\u2581" + word[0], word[1:])),
        "</s>",
    ]


def maps_of(example, choose):
    """Two heads: the first attends to `choose(example)`, the second to all alike.

    The first gives the chosen word, in two pieces, a little less than *it* itself and
    the end token get, which do not count. What is written after the first piece of
    the Korean word does not count either.
    """
    source, target = pieces_of(example.source), pieces_of(example.target)
    arrays = {}
    for kind, num_rows in (("encoder", len(source)), ("cross", len(target))):
        weights = np.full((1, 2, num_rows, len(source)), 1 / len(source))
        row = 2 * (
            antecedent_positions(example)[0]
            if kind == "encoder"
            else korean_antecedent_position(example)
        )
        rows = [row, row + 1] if kind == "encoder" else [row]
        for i in rows:
            weights[0, 0, i] = 0
            weights[0, 0, i, [2 * antecedent_positions(example)[0], -1]] = 0.4
            weights[0, 0, i, [2 * choose(example), 2 * choose(example) + 1]] = 0.1
        arrays[kind] = weights
    read = ("<s>", *target[:-1])
    return AttentionMaps(tuple(source), tuple(target), read, **arrays)


def test_places_in_the_sentences_that_the_package_was_made_for():
    assert antecedent_positions(ANIMAL) == (7, 1, [1, 5])
    assert antecedent_positions(THING) == (7, 5, [1, 5])
    assert ANIMAL.target.split()[korean_antecedent_position(ANIMAL)] == "동물은"
    assert THING.target.split()[korean_antecedent_position(THING)] == "길이"


def test_every_sentence_has_two_nouns_of_which_it_is_one(examples):
    assert len(examples) > 100
    for example in examples:
        pronoun, noun, nouns = antecedent_positions(example)
        assert example.source.split()[pronoun] == "it"
        assert len(nouns) == 2
        assert noun in nouns


@pytest.mark.parametrize("kind", ["encoder", "cross"])
def test_a_head_that_knows_the_meaning_is_always_right(examples, kind):
    maps = [
        maps_of(example, lambda e: antecedent_positions(e)[1]) for example in examples
    ]
    scores = antecedent_scores(maps, examples, kind)
    assert scores["words"][0, 0] == scores["nouns"][0, 0] == 1
    assert scores["words"][0, 1] == scores["nouns"][0, 1] == 0  # no head stands out


@pytest.mark.parametrize("kind", ["encoder", "cross"])
@pytest.mark.parametrize(("name", "index"), [("nearest noun", -1), ("first noun", 0)])
def test_a_head_that_attends_to_a_place_scores_as_the_baseline(
    examples, kind, name, index
):
    maps = [
        maps_of(example, lambda e: antecedent_positions(e)[2][index])
        for example in examples
    ]
    scores = antecedent_scores(maps, examples, kind)
    expected = antecedent_baselines(examples)[name]
    assert 0.3 < expected < 0.7
    assert scores["words"][0, 0] == pytest.approx(expected)
    assert scores["nouns"][0, 0] == pytest.approx(expected)


def test_a_third_word_is_wrong_among_words_only():
    def verb(example):
        return 3

    maps = [maps_of(ANIMAL, verb)]
    maps[0].encoder[0, 0, 14, 2] = 0.1
    scores = antecedent_scores(maps, [ANIMAL], "encoder")
    assert (scores["words"][0, 0], scores["nouns"][0, 0]) == (0, 1)


def test_baselines_by_hand():
    scores = antecedent_baselines([ANIMAL, THING])
    assert scores == {
        "random word": 1 / 10,
        "random noun": 0.5,
        "nearest noun": 0.5,
        "first noun": 0.5,
    }
    assert antecedent_baselines([THING])["nearest noun"] == 1


def test_bad_requests_say_what_was_expected():
    maps = [maps_of(ANIMAL, lambda e: 1)]
    with pytest.raises(ValueError, match="encoder or cross.*'decoder'"):
        antecedent_scores(maps, [ANIMAL], "decoder")
    with pytest.raises(ValueError, match="1 maps, 2 examples"):
        antecedent_scores(maps, [ANIMAL, THING], "cross")
    for kind in ("encoder", "cross"):
        with pytest.raises(ValueError, match="maps of pieces. Received: .* words"):
            antecedent_scores([maps[0].in_words()], [ANIMAL], kind)
    without = dataclasses.replace(maps[0], encoder=None)
    with pytest.raises(ValueError, match="no such attention.*'encoder'"):
        antecedent_scores([without], [ANIMAL], "encoder")
