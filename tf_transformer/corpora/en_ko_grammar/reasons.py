"""Patterns of sentences in which *it* or *he* must be understood from the meaning.

"The animal didn't cross the street because it was too tired / too wide." In English
only the last word shows what *it* is. The Korean sentence names it: the noun before
너무 (or 아주) is the antecedent of *it*.
"""

from typing import NamedTuple

from tf_transformer.corpora.en_ko_grammar import korean
from tf_transformer.corpora.en_ko_grammar.adjectives import (
    FEELINGS_OF_ANIMALS,
    REASONS_OF_THINGS,
    STATES_OF_PEOPLE,
    Adjective,
)
from tf_transformer.corpora.en_ko_grammar.nouns import (
    ANIMALS,
    FEMALE_NAMES,
    MALE_NAMES,
    NOUNS,
    Noun,
)
from tf_transformer.corpora.en_ko_grammar.phrases import (
    PLACE_PHRASES,
    Phrase,
    add_particle,
    bare,
    mark,
    the,
)
from tf_transformer.corpora.en_ko_grammar.predicates import (
    Tense,
    english_verb,
    korean_verb,
)
from tf_transformer.corpora.en_ko_grammar.sentence import Pattern
from tf_transformer.corpora.en_ko_grammar.verbs import MOVES, Verb, parse_verb


class Obstacle(NamedTuple):
    """Something that an animal did not do, and an adjective for the reason."""

    verb: Verb
    noun: Noun
    adjective: Adjective


_TABLE = """
cross 건너다 object
street: wide dangerous dark crowded slippery
road: wide dangerous dark crowded
bridge: narrow dangerous long high slippery
river: wide deep dangerous
field: wide dangerous dark
square: wide crowded
valley: deep wide steep
desert: wide dangerous
lake: wide deep
stream: wide deep

follow 따라가다 object
street: long dark dangerous narrow
road: long dark dangerous narrow steep
river: long deep dangerous
stream: long steep

enter 들어가다 to
cave: dark narrow deep dangerous
room: dark narrow crowded bright
house: dark narrow bright
forest: dark deep dangerous
tunnel: dark narrow long
barn: dark narrow crowded
building: dark high crowded
store: dark narrow crowded
garden: narrow crowded
valley: dark deep dangerous

climb 오르다.르 to
mountain: high steep dangerous
hill: high steep slippery
tree: high slippery dangerous
ladder: high steep dangerous
rock: high steep slippery
roof: high steep slippery

jump_over 뛰어넘다 object
wall: high dangerous
fence: high dangerous
stream: wide deep
gate: high dangerous
rock: high slippery

swim_in 헤엄치다 in
river: deep dangerous dark
lake: deep dangerous dark
sea: deep dangerous dark
pond: deep dark

eat/ate 먹다 object
bread: hard salty
meat: hard salty spicy
soup: salty spicy
cheese: hard salty
kimchi: salty spicy
fish: salty spicy

drink/drank 마시다 object
juice: bitter
tea: bitter
coffee: bitter
"""
_NOT_ABOUT_FOOD = ("hungry", "thirsty", "young", "lazy", "tired")


def _read_table() -> tuple[tuple[Obstacle, ...], tuple[Obstacle, ...]]:
    """Returns what things prevent by their nature, and animals by their feelings."""
    causes, feelings = [], []
    for block in _TABLE.strip().split("\n\n"):
        head, *lines = block.splitlines()
        text, _, particle = head.rpartition(" ")
        verb = parse_verb(text, particle)
        about_food = verb.english in ("eat", "drink")
        for line in lines:
            name, _, adjectives = line.partition(":")
            noun = NOUNS[name]
            causes.extend(
                Obstacle(verb, noun, REASONS_OF_THINGS[word])
                for word in adjectives.split()
            )
            feelings.extend(
                Obstacle(verb, noun, adjective)
                for word, adjective in FEELINGS_OF_ANIMALS.items()
                if not (about_food and word in _NOT_ABOUT_FOOD)
            )
    return tuple(causes), tuple(feelings)


def _english_reason(
    subject: Phrase, obstacle: Obstacle, degree, tense: Tense, pronoun: str
) -> str:
    verb, noun, adjective = obstacle
    now = tense.name in ("future", "can")
    place = f"the/on {noun.english}/on"
    return (
        f"{mark('s', subject.english)} {english_verb(verb, tense, 'third')} {place} "
        f"because/y {pronoun} {'is' if now else 'was'}/y {degree[0]}/d "
        f"{adjective.english}/j"
    )


def _because(adjective: Adjective, degree) -> str:
    return f"{degree[1]}/d {korean.because(adjective.korean, adjective.irregular)}/j,y"


def _object(verb: Verb, korean_noun: str) -> str:
    return f"{korean.with_particle(korean_noun, verb.particle)}/on"


def _animal_reason(animal: Noun, obstacle: Obstacle, degree, tense: Tense):
    subject = the(animal)
    verb, noun, adjective = obstacle
    topic = add_particle(mark("s", subject.korean), "topic", "it")
    return (
        _english_reason(subject, obstacle, degree, tense, "it/it"),
        f"{topic} {_because(adjective, degree)} {_object(verb, noun.korean)} "
        f"{korean_verb(verb, tense)}",
        (animal.english, verb.english, noun.english, adjective.english),
        ("it", "sn"),
    )


def _thing_reason(animal: Noun, obstacle: Obstacle, degree, tense: Tense):
    subject = the(animal)
    verb, noun, adjective = obstacle
    topic = add_particle(mark("s", subject.korean), "topic")
    cause = f"{korean.with_particle(noun.korean, 'subject')}/it"
    return (
        # The noun, not its article, carries the mark "o".
        _english_reason(subject, obstacle, degree, tense, "it/it").replace(
            f"{noun.english}/on", f"{noun.english}/on,o"
        ),
        f"{cause} {_because(adjective, degree)} {topic} {_object(verb, noun.korean)} "
        f"{korean_verb(verb, tense)}",
        (animal.english, verb.english, noun.english, adjective.english),
        ("it", "o"),
    )


def _person_reason(person, adjective: Adjective, degree, place: Phrase, tense: Tense):
    name, pronoun = person
    subject, verb = bare(name), MOVES[0]
    noun = NOUNS[place.words[0]]
    obstacle = Obstacle(verb, noun, adjective)
    english_text = _english_reason(subject, obstacle, degree, tense, pronoun + "/it")
    return (
        english_text.replace("/v the/on", "/v to/on the/on"),
        f"{add_particle(mark('s', subject.korean), 'topic', 'it')} "
        f"{_because(adjective, degree)} {_object(verb, noun.korean)} "
        f"{korean_verb(verb, tense)}",
        (name.english, verb.english, noun.english, adjective.english),
    )


_OF_THINGS, _OF_ANIMALS = _read_table()
_DEGREES = (("too", "너무"), ("very", "아주"))
_TENSES = (
    Tense("past", True),
    Tense("could", True),
    Tense("future", True),
    Tense("can", True),
)
_PEOPLE = tuple((name, "he") for name in MALE_NAMES.values()) + tuple(
    (name, "she") for name in FEMALE_NAMES.values()
)

REASONS = (
    Pattern(
        "it is the animal",
        16,
        (tuple(ANIMALS.values()), _OF_ANIMALS, _DEGREES, _TENSES),
        _animal_reason,
    ),
    Pattern(
        "it is the thing",
        16,
        (tuple(ANIMALS.values()), _OF_THINGS, _DEGREES, _TENSES),
        _thing_reason,
    ),
    Pattern(
        "he or she",
        4,
        (_PEOPLE, tuple(STATES_OF_PEOPLE.values()), _DEGREES, PLACE_PHRASES, _TENSES),
        _person_reason,
    ),
)
