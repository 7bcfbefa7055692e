"""Patterns of sentences that say what or where something is, or when it happens."""

from tf_transformer.corpora.en_ko_grammar.adjectives import (
    COMPARED,
    DESCRIBED_FOODS,
    DESCRIBED_PLACES,
    DESCRIBED_THINGS,
    FEELINGS_OF_ANIMALS,
    STATES_OF_PEOPLE,
    TRAITS_OF_ANIMALS,
    TRAITS_OF_PEOPLE,
    Adjective,
    Description,
)
from tf_transformer.corpora.en_ko_grammar.english import be, comparative
from tf_transformer.corpora.en_ko_grammar.nouns import (
    ANIMALS,
    FEMALE_NAMES,
    JOBS,
    MALE_NAMES,
    SUBJECTS_OF_STUDY,
    THINGS,
    Noun,
)
from tf_transformer.corpora.en_ko_grammar.phrases import (
    DETERMINERS,
    NAME_PHRASES,
    PEOPLE_PHRASES,
    PERSON_PHRASES,
    PRONOUNS,
    SINGLE_SUBJECTS,
    Phrase,
    a,
    add_particle,
    bare,
    determined,
    joined,
    mark,
    the,
    the_plural,
    topic,
)
from tf_transformer.corpora.en_ko_grammar.predicates import (
    STATES,
    english_state,
    korean_state,
)
from tf_transformer.corpora.en_ko_grammar.sentence import Pattern

_ANIMALS = tuple(ANIMALS.values())
_ANIMAL_PHRASES = tuple(the(animal) for animal in _ANIMALS)
_ANIMALS_PHRASES = tuple(the_plural(animal) for animal in _ANIMALS)
_THINGS = tuple(THINGS.values())
# (degree, state): "very" has another Korean word when something is denied.
_DEGREES = tuple(
    (degree, state)
    for degrees, negative in (
        ((("", ""), ("very", "아주"), ("too", "너무"), ("really", "정말")), False),
        ((("", ""), ("very", "그다지")), True),
    )
    for degree in degrees
    for state in (("present", negative), ("past", negative))
)
_SEVERAL = (
    PRONOUNS[2],
    PRONOUNS[5],
    *(
        joined(first, second)
        for first in MALE_NAMES.values()
        for second in FEMALE_NAMES.values()
    ),
)


def _is(agreement: str, state: tuple[str, bool], noun: str) -> tuple[str, str]:
    """Returns marked "is a doctor" without its noun phrase, and "의사다"."""
    name, negative = state
    if negative:
        shown = "아니었다" if name == "past" else "아니다"
        return english_state(agreement, state), (
            add_particle(noun, "subject") + f" {shown}/b,n"
        )
    particle = "was" if name == "past" else "is"
    return english_state(agreement, state), add_particle(noun, particle, "b")


def _job(subject: Phrase, job: Noun, state):
    thing = a(job)
    verb, end = _is(subject.agreement, state, mark("o", thing.korean))
    start, korean_topic = topic(subject)
    return (
        f"{start} {verb} {mark('o', thing.english)}",
        f"{korean_topic} {end}",
        (*subject.words, job.english),
    )


def _jobs(subject: Phrase, job: Noun, state):
    verb, end = _is(subject.agreement, state, f"{job.korean}/o")
    start, korean_topic = topic(subject)
    return (
        f"{start} {verb} {job.plural}/o",
        f"{korean_topic} {end}",
        (*subject.words, job.english),
    )


def _described_person(subject: Phrase, adjective: Adjective, job: Noun, state):
    thing = a(job, adjective)
    verb, end = _is(subject.agreement, state, mark("o", thing.korean))
    start, korean_topic = topic(subject)
    return (
        f"{start} {verb} {mark('o', thing.english)}",
        f"{korean_topic} {end}",
        (*subject.words, adjective.english, job.english),
    )


def _this_is(pointer, determiner, noun: Noun, state):
    thing = determined(determiner, noun)
    verb, end = _is("third", state, mark("o", thing.korean))
    start, korean_topic = pointer
    return (
        f"{start}/s {verb} {mark('o', thing.english)}",
        f"{korean_topic}/s {end}",
        (noun.english,),
    )


def _state(subject: Phrase, manner, adjective: Adjective):
    degree, state = manner
    start, korean_topic = topic(subject)
    return (
        f"{start} {english_state(subject.agreement, state)} {mark('d', degree[0])} "
        f"{adjective.english}/j",
        f"{korean_topic} {mark('d', degree[1])} {korean_state(adjective, state)}",
        (*subject.words, adjective.english),
    )


def _described(description: Description, manner):
    noun = description.noun
    subject = bare(noun) if noun.english in SUBJECTS_OF_STUDY else the(noun)
    return _state(subject, manner, description.adjective)


def _compare(first: Noun, second: Noun, adjective: Adjective, tense: str):
    start, korean_topic = topic(the(first))
    other = the(second)
    verb, compared = be("third", tense == "past"), comparative(adjective.english)
    return (
        f"{start} {verb}/b {compared}/j,m " + mark("o", f"than/p {other.english}"),
        f"{korean_topic} {add_particle(mark('o', other.korean), 'than', 'op')} 더/m "
        + korean_state(adjective, (tense, False)),
        (first.english, second.english, adjective.english),
    )


_POINTERS = (("this", "이것은"), ("that", "저것은"))
_PLAIN_DETERMINERS = ("a", *DETERMINERS[1:6])

STATEMENTS = (
    Pattern("jobs", 3, (SINGLE_SUBJECTS, tuple(JOBS.values()), STATES), _job),
    Pattern(
        "jobs of several",
        2,
        (_SEVERAL, tuple(JOBS.values()), STATES),
        _jobs,
    ),
    Pattern(
        "described people",
        4,
        (
            SINGLE_SUBJECTS,
            tuple(TRAITS_OF_PEOPLE.values()),
            tuple(JOBS.values()),
            STATES,
        ),
        _described_person,
    ),
    Pattern(
        "this and that", 3, (_POINTERS, _PLAIN_DETERMINERS, _THINGS, STATES), _this_is
    ),
    Pattern(
        "states of people",
        5,
        (
            PRONOUNS + NAME_PHRASES + PERSON_PHRASES + PEOPLE_PHRASES,
            _DEGREES,
            tuple((STATES_OF_PEOPLE | TRAITS_OF_PEOPLE).values()),
        ),
        _state,
    ),
    Pattern(
        "states of animals",
        4,
        (
            _ANIMAL_PHRASES + _ANIMALS_PHRASES,
            _DEGREES,
            tuple(
                adjective
                for word, adjective in (FEELINGS_OF_ANIMALS | TRAITS_OF_ANIMALS).items()
                if word != "scared"
            ),
        ),
        _state,
    ),
    Pattern("states of things", 4, (DESCRIBED_THINGS, _DEGREES), _described),
    Pattern("states of places", 5, (DESCRIBED_PLACES, _DEGREES), _described),
    Pattern("states of foods", 3, (DESCRIBED_FOODS, _DEGREES), _described),
    Pattern(
        "comparisons",
        3,
        (_ANIMALS[::2], _ANIMALS[1::2], COMPARED, ("present", "past")),
        _compare,
    ),
)
