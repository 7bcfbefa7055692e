"""Patterns of sentences that say where something is and what is there."""

from tf_transformer.corpora.en_ko_grammar import korean
from tf_transformer.corpora.en_ko_grammar.english import be
from tf_transformer.corpora.en_ko_grammar.nouns import (
    ANIMALS,
    FURNITURE,
    JOBS,
    PLACES,
    THINGS,
    Noun,
    things,
)
from tf_transformer.corpora.en_ko_grammar.phrases import (
    Phrase,
    a,
    add_particle,
    counted,
    mark,
    the,
    topic,
)
from tf_transformer.corpora.en_ko_grammar.predicates import STATES, english_state
from tf_transformer.corpora.en_ko_grammar.sentence import Pattern
from tf_transformer.corpora.en_ko_grammar.times import NUMBERS, Number

_ANIMALS = tuple(ANIMALS.values())
_SMALL = things("book bag hat key ball doll cup umbrella phone map camera pencil")
_SEEN = tuple(
    thing
    for thing in THINGS.values()
    if thing.english not in ("song", "movie", "story", "question", "window", "door")
)
_HIDDEN = tuple(the(noun) for noun in _SMALL + _ANIMALS)
_RELATIONS = (
    ("on", "위에"),
    ("under", "아래에"),
    ("behind", "뒤에"),
    ("next to", "옆에"),
    ("in front of", "앞에"),
)


def _where(subject: Phrase, relation, place: Noun, state):
    start, korean_topic = topic(subject)
    english_relation, korean_relation = relation
    name, negative = state
    there_is = ("있", "없")[negative] + ("었다" if name == "past" else "다")
    there_is += "/b,n" if negative else "/b"
    return (
        f"{start} {english_state(subject.agreement, state)} "
        f"{mark('r', english_relation)} the/p {place.english}/p",
        f"{korean_topic} {place.korean}/p {mark('r', korean_relation)} {there_is}",
        (*subject.words, place.english),
    )


def _there_is(noun: Noun, relation, place: Noun, past: bool):
    thing = a(noun)
    return (
        f"there/b {be('third', past)}/b {mark('o', thing.english)} "
        f"{mark('r', relation[0])} the/p {place.english}/p",
        f"{place.korean}/p {mark('r', relation[1])} "
        f"{add_particle(mark('o', thing.korean), 'subject')} "
        f"{'있었다' if past else '있다'}/b",
        (noun.english, place.english),
    )


def _there_are(number: Number, noun: Noun, place: Noun, past: bool):
    thing = counted(number, noun)
    name, *count = mark("o", thing.korean).split()
    return (
        f"there/b {be('plural', past)}/b {mark('o', thing.english)} "
        f"{place.preposition}/p the/p {place.english}/p",
        f"{korean.with_particle(place.korean, 'to')}/p "
        f"{add_particle(name, 'subject')} {' '.join(count)} "
        f"{'있었다' if past else '있다'}/b",
        (noun.english, place.english),
    )


LOCATIONS = (
    Pattern(
        "where things are",
        3,
        (
            _HIDDEN,
            _RELATIONS,
            FURNITURE,
            STATES,
        ),
        _where,
    ),
    Pattern(
        "what is there",
        2,
        (_SMALL + _ANIMALS, _RELATIONS, FURNITURE, (False, True)),
        _there_is,
    ),
    Pattern(
        "how many there are",
        4,
        (
            NUMBERS,
            _ANIMALS + _SEEN + tuple(JOBS.values()),
            tuple(PLACES.values()),
            (False, True),
        ),
        _there_are,
    ),
)
