"""Patterns of sentences about actions."""

from tf_transformer.corpora.en_ko_grammar.adjectives import GOODS, Description
from tf_transformer.corpora.en_ko_grammar.nouns import (
    DRINKS,
    FOODS,
    UNCOUNTED,
    Noun,
    things,
)
from tf_transformer.corpora.en_ko_grammar.phrases import (
    DETERMINERS,
    FRIEND_PHRASES,
    NAME_PHRASES,
    OBJECT_PRONOUNS,
    PEOPLE_PHRASES,
    PERSON_PHRASES,
    PRONOUNS,
    SUBJECTS,
    Phrase,
    a,
    add_particle,
    bare,
    determined,
    direct_object,
    joined,
    mark,
    the,
)
from tf_transformer.corpora.en_ko_grammar.predicates import (
    ABILITIES,
    FUTURES,
    OPINION_TENSES,
    PASTS,
    PRESENTS,
    PROGRESSIVES,
    SIMPLE_TENSES,
    WISHES,
    Tense,
    clause,
    verb_words,
)
from tf_transformer.corpora.en_ko_grammar.sentence import Pattern
from tf_transformer.corpora.en_ko_grammar.verbs import (
    GIFTS,
    MEETINGS,
    OPINIONS_OF_PEOPLE,
    SIGHTS,
    TASTES,
    THING_ACTIONS,
    UNCOUNTED_ACTIONS,
    VISITS,
    Action,
    Verb,
)

_NOT_LASTING = ("find", "lose", "break", "hear", "see")
_SIMPLE = PRESENTS + SIMPLE_TENSES
_LASTING = PROGRESSIVES + ABILITIES + WISHES
_SOME_TIMES = (Tense("past"), Tense("past", True), *PASTS[1:4], *FUTURES[:3])
_GOODS = things("book letter photo ticket map flower umbrella key hat doll")
_PEOPLE_VERBS = tuple(dict.fromkeys(action.verb for action in MEETINGS))


def _lasting(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    return tuple(a for a in actions if a.verb.english not in _NOT_LASTING)


def _pairs(nouns: dict[str, Noun]) -> tuple[tuple[Noun, Noun], ...]:
    values = tuple(nouns.values())
    return tuple((x, y) for x in values for y in values if x is not y)


def _do(subject: Phrase, verb: Verb, thing: Phrase, tense: Tense):
    return *clause(subject, verb, tense, direct_object(thing)), verb_words(
        verb, subject, thing
    )


def _thing(subject, action: Action, determiner, tense: Tense):
    return _do(subject, action.verb, determined(determiner, action.noun), tense)


def _uncounted(subject, action: Action, tense: Tense):
    return _do(subject, action.verb, bare(action.noun), tense)


def _definite(subject, action: Action, tense: Tense):
    return _do(subject, action.verb, the(action.noun), tense)


def _taste(subject, action: Action, tense: Tense):
    noun = action.noun
    thing = bare(noun) if noun.english in UNCOUNTED else the(noun)
    return _do(subject, action.verb, thing, tense)


def _described(subject, verb: Verb, description: Description, tense: Tense):
    thing = a(description.noun, description.adjective)
    return _do(subject, verb, thing, tense)


def _joined_things(subject, verb: Verb, nouns: tuple[Noun, Noun], tense: Tense):
    return _do(subject, verb, joined(*nouns), tense)


def _pronoun(subject, verb: Verb, pronoun: tuple[str, str], tense: Tense):
    return _do(subject, verb, Phrase(*pronoun), tense)


def _give(subject, verb: Verb, thing: Noun, receiver: Phrase, tense: Tense):
    english_object, korean_object = direct_object(a(thing))
    rest = (
        f"{english_object} " + mark("r", f"to/p {receiver.english}"),
        add_particle(mark("r", receiver.korean), "recipient", "rp")
        + f" {korean_object}",
    )
    words = (*verb_words(verb, subject, receiver), thing.english)
    return *clause(subject, verb, tense, rest), words


def _verbs(*names: str) -> tuple[Verb, ...]:
    verbs = {action.verb.english: action.verb for action in THING_ACTIONS}
    return tuple(verbs[name] for name in names)


ACTIONS = (
    Pattern(
        "things",
        14,
        (SUBJECTS, THING_ACTIONS, DETERMINERS, _SIMPLE),
        _thing,
    ),
    Pattern(
        "things in progress",
        6,
        (SUBJECTS, _lasting(THING_ACTIONS), DETERMINERS, _LASTING),
        _thing,
    ),
    Pattern(
        "uncounted",
        8,
        (SUBJECTS, UNCOUNTED_ACTIONS, _SIMPLE),
        _uncounted,
    ),
    Pattern(
        "uncounted in progress",
        3,
        (SUBJECTS, _lasting(UNCOUNTED_ACTIONS), _LASTING),
        _uncounted,
    ),
    Pattern("people", 5, (NAME_PHRASES, MEETINGS, SIMPLE_TENSES), _definite),
    Pattern("animals", 5, (SUBJECTS, SIGHTS, SIMPLE_TENSES), _definite),
    Pattern(
        "opinions of people",
        4,
        (PRONOUNS + NAME_PHRASES, OPINIONS_OF_PEOPLE, OPINION_TENSES),
        _definite,
    ),
    Pattern("tastes", 4, (SUBJECTS, TASTES, OPINION_TENSES), _taste),
    Pattern("visits", 4, (SUBJECTS, VISITS, SIMPLE_TENSES), _definite),
    Pattern(
        "described things",
        7,
        (
            SUBJECTS,
            _verbs("buy", "sell", "find", "choose"),
            GOODS,
            PASTS[:3] + FUTURES[:2],
        ),
        _described,
    ),
    Pattern(
        "food and drink",
        2,
        (SUBJECTS, _verbs("buy", "sell"), _pairs(FOODS | DRINKS), _SOME_TIMES),
        _joined_things,
    ),
    Pattern(
        "pronouns",
        2,
        (NAME_PHRASES, _PEOPLE_VERBS, OBJECT_PRONOUNS, SIMPLE_TENSES),
        _pronoun,
    ),
    Pattern(
        "gifts to people",
        3,
        (PRONOUNS + NAME_PHRASES, GIFTS, _GOODS, PERSON_PHRASES, _SOME_TIMES),
        _give,
    ),
    Pattern(
        "gifts to names",
        2,
        (
            PERSON_PHRASES + PEOPLE_PHRASES + FRIEND_PHRASES,
            GIFTS,
            _GOODS,
            NAME_PHRASES,
            _SOME_TIMES,
        ),
        _give,
    ),
)
