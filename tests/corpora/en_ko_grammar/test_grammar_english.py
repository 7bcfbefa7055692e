"""English forms against tables written by hand."""

import pytest

from tf_transformer.corpora.en_ko_grammar import english
from tf_transformer.corpora.en_ko_grammar.adjectives import COMPARED
from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
from tf_transformer.corpora.en_ko_grammar.verbs import THING_ACTIONS, parse_verb


@pytest.mark.parametrize(
    "function, word, expected",
    [
        (english.plural, "house", "houses"),
        (english.plural, "boy", "boys"),
        (english.plural, "library", "libraries"),
        (english.plural, "bus", "buses"),
        (english.plural, "church", "churches"),
        (english.third_person, "go", "goes"),
        (english.third_person, "cry", "cries"),
        (english.third_person, "push", "pushes"),
        (english.third_person, "play", "plays"),
        (english.regular_past, "cry", "cried"),
        (english.regular_past, "play", "played"),
        (english.regular_past, "borrow", "borrowed"),
        (english.regular_past, "open", "opened"),
        (english.regular_past, "visit", "visited"),
        (english.present_participle, "swim", "swimming"),
        (english.present_participle, "see", "seeing"),
        (english.present_participle, "close", "closing"),
        (english.present_participle, "draw", "drawing"),
        (english.present_participle, "study", "studying"),
        (english.present_participle, "open", "opening"),
        (english.comparative, "slow", "slower"),
        (english.comparative, "big", "bigger"),
        (english.article, "egg", "an"),
        (english.article, "useful", "a"),
        (english.article, "umbrella", "an"),
    ],
)
def test_form(function, word, expected):
    assert function(word) == expected


def test_irregular_words_of_the_tables():
    assert NOUNS["child"].plural == "children"
    assert NOUNS["mouse"].plural == "mice"
    assert NOUNS["wolf"].plural == "wolves"
    assert NOUNS["potato"].plural == "potatoes"
    pasts = {action.verb.english: action.verb.past for action in THING_ACTIONS}
    assert pasts["write"] == "wrote"
    assert pasts["pick up"] == "picked up"
    assert pasts["carry"] == "carried"
    assert parse_verb("go/went 가다").past == "went"
    assert [english.comparative(adjective.english) for adjective in COMPARED] == [
        "bigger",
        "smaller",
        "faster",
        "slower",
        "cuter",
    ]


def test_an_unknown_agreement_is_refused():
    with pytest.raises(ValueError, match="Received: 'second'"):
        english.be("second")
