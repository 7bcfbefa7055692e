"""Patterns of sentences with dates and hours."""

from tf_transformer.corpora.en_ko_grammar.english import be
from tf_transformer.corpora.en_ko_grammar.nouns import EVENTS, NAMES, Noun
from tf_transformer.corpora.en_ko_grammar.phrases import (
    DETERMINERS,
    PRONOUNS,
    SINGLE_SUBJECTS,
    Phrase,
    add_particle,
    mark,
    the,
    topic,
)
from tf_transformer.corpora.en_ko_grammar.predicates import Tense, clause
from tf_transformer.corpora.en_ko_grammar.sentence import Pattern
from tf_transformer.corpora.en_ko_grammar.times import DATES, HOURS, WEEKDAYS, Number
from tf_transformer.corpora.en_ko_grammar.verbs import END, START, Verb


def _born(subject: Phrase, date):
    start, korean_topic = topic(subject)
    english_date, korean_date = date
    verb = be(subject.agreement, past=True)
    return (
        f"{start} {verb}/v born/v on/db {mark('d', english_date)}",
        f"{korean_topic} {add_particle(mark('d', korean_date), 'to')} 태어났다/v",
        (*subject.words, "born"),
    )


def _birthday(owner: tuple[str, str], date):
    english_date, korean_date = date
    return (
        f"{owner[0]}/w birthday/n is/b {mark('d', english_date)}",
        f"{owner[1]}/w 생일은/n {add_particle(mark('d', korean_date), 'is', 'b')}",
        ("birthday",),
    )


def _event_on_date(event: Noun, verb: Verb, tense: Tense, date):
    english_date, korean_date = date
    rest = (
        f"on/db {mark('d', english_date)}",
        add_particle(mark("d", korean_date), "to"),
    )
    words = (event.english, verb.english)
    return *clause(the(event), verb, tense, rest), words


def _event_at_hour(event: Noun, verb: Verb, tense: Tense, hour: Number, day):
    rest = (
        f"at/h {hour.english}/u o'clock/h on/d {day[0]}/d",
        f"{day[1]}/d {hour.korean}/u 시에/h",
    )
    words = (event.english, verb.english)
    return *clause(the(event), verb, tense, rest), words


_EVENTS = tuple(EVENTS.values())
_EVENT_TENSES = (
    Tense("present"),
    Tense("past"),
    Tense("past", True),
    Tense("future"),
    Tense("future", True),
)
_OWNERS = (
    *DETERMINERS[1:6],
    *((f"{n.english}'s", f"{n.korean}의") for n in NAMES.values()),
)

DATED_EVENTS = (
    Pattern("born", 3, (SINGLE_SUBJECTS + PRONOUNS[5:], DATES), _born),
    Pattern("birthdays", 2, (_OWNERS, DATES), _birthday),
    Pattern(
        "events on dates",
        3,
        (_EVENTS, (START, END), _EVENT_TENSES, DATES),
        _event_on_date,
    ),
    Pattern(
        "events at hours",
        3,
        (_EVENTS, (START, END), _EVENT_TENSES, HOURS, WEEKDAYS),
        _event_at_hour,
    ),
)
