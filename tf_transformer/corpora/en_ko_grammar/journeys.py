"""Patterns of sentences about going to places and acting there."""

from tf_transformer.corpora.en_ko_grammar import korean
from tf_transformer.corpora.en_ko_grammar.nouns import (
    ANIMALS,
    NAMES,
    PLACES,
    VEHICLES,
    Noun,
)
from tf_transformer.corpora.en_ko_grammar.phrases import (
    NAME_PHRASES,
    PERSON_PHRASES,
    PLACE_PHRASES,
    PRONOUNS,
    SUBJECTS,
    Phrase,
    a,
    direct_object,
    placed,
    the,
)
from tf_transformer.corpora.en_ko_grammar.predicates import (
    FUTURES,
    PASTS,
    PRESENTS,
    SIMPLE_TENSES,
    Tense,
    clause,
    verb_words,
)
from tf_transformer.corpora.en_ko_grammar.sentence import Pattern
from tf_transformer.corpora.en_ko_grammar.verbs import (
    MOVES,
    STAYS,
    THING_ACTIONS,
    Action,
    Verb,
)

_ANIMAL_PHRASES = tuple(the(animal) for animal in ANIMALS.values())
_MOVERS = NAME_PHRASES + PRONOUNS + PERSON_PHRASES + _ANIMAL_PHRASES
_LOCATIONS = tuple((the(place), place.preposition) for place in PLACES.values())
_NEAR_PLACES = ("kitchen", "classroom", "garden", "playground", "office")
_FAR_PLACES = tuple(
    the(place) for place in PLACES.values() if place.english not in _NEAR_PLACES
)
_SIMPLE = PRESENTS + SIMPLE_TENSES
_PORTABLE = tuple(
    action
    for action in THING_ACTIONS
    if action.verb.english in ("read", "write", "sing", "draw", "repair", "wash", "use")
)


def _move(subject, verb: Verb, place: Phrase, tense: Tense):
    rest = placed(place, verb.preposition, verb.particle)
    return *clause(subject, verb, tense, rest), verb_words(verb, subject, place)


def _ride(subject, vehicle: Noun, place: Phrase, tense: Tense):
    verb = MOVES[0]
    english_place, korean_place = placed(place, "to", "to")
    ride = korean.with_particle(vehicle.korean, "by")
    rest = (
        f"{english_place} by/r {vehicle.english}/r",
        f"{ride}/r {korean_place}",
    )
    words = (*verb_words(verb, subject, place), vehicle.english)
    return *clause(subject, verb, tense, rest), words


def _together(subject, companion: Noun, place: Phrase, tense: Tense):
    verb = MOVES[0]
    english_place, korean_place = placed(place, "to", "to")
    with_whom = korean.with_particle(companion.korean, "and")
    rest = (
        f"{english_place} with/w {companion.english}/r",
        f"{with_whom}/r 함께/w {korean_place}",
    )
    words = (*verb_words(verb, subject, place), companion.english)
    return *clause(subject, verb, tense, rest), words


def _stay(subject, verb: Verb, place: tuple[Phrase, str], tense: Tense):
    rest = placed(*place, verb.particle)
    return *clause(subject, verb, tense, rest), verb_words(verb, subject, place[0])


def _do_somewhere(subject, action: Action, place: tuple[Phrase, str], tense: Tense):
    english_object, korean_object = direct_object(a(action.noun))
    english_place, korean_place = placed(*place, "in")
    rest = f"{english_object} {english_place}", f"{korean_place} {korean_object}"
    words = (*verb_words(action.verb, subject, place[0]), action.noun.english)
    return *clause(subject, action.verb, tense, rest), words


JOURNEYS = (
    Pattern("moves", 6, (_MOVERS, MOVES, PLACE_PHRASES, _SIMPLE), _move),
    Pattern(
        "rides",
        3,
        (SUBJECTS, tuple(VEHICLES.values()), _FAR_PLACES, _SIMPLE),
        _ride,
    ),
    Pattern(
        "together",
        3,
        (PERSON_PHRASES + PRONOUNS, tuple(NAMES.values()), PLACE_PHRASES, _SIMPLE),
        _together,
    ),
    Pattern("stays", 4, (SUBJECTS, STAYS, _LOCATIONS, _SIMPLE), _stay),
    Pattern(
        "actions in places",
        5,
        (SUBJECTS, _PORTABLE, _LOCATIONS, PASTS[:4] + PRESENTS[:3] + FUTURES[:3]),
        _do_somewhere,
    ),
)
