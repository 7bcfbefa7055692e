"""Predicates: a verb or adjective in a tense, in both languages."""

from typing import NamedTuple

from tf_transformer.corpora.en_ko_grammar import english, korean
from tf_transformer.corpora.en_ko_grammar.adjectives import Adjective
from tf_transformer.corpora.en_ko_grammar.phrases import Phrase, add_particle, mark
from tf_transformer.corpora.en_ko_grammar.times import (
    FREQUENCIES,
    FUTURE_TIMES,
    NO_TIME,
    NOW,
    ON_WEEKDAYS,
    PAST_TIMES,
    THESE_DAYS,
    Time,
)
from tf_transformer.corpora.en_ko_grammar.verbs import Verb


class Tense(NamedTuple):
    """A tense or a mood, perhaps negated, together with a time expression."""

    name: str
    negative: bool = False
    time: Time = NO_TIME


def _with_times(name: str, negative: bool, times: tuple[Time, ...]):
    return tuple(Tense(name, negative, time) for time in times)


# A present always has a time: "I read a book" alone is the past.
PRESENTS = _with_times("present", False, (*FREQUENCIES, THESE_DAYS)) + (
    Tense("present", True, THESE_DAYS),
)
PASTS = _with_times("past", False, (NO_TIME, *PAST_TIMES, *ON_WEEKDAYS))
NEGATIVE_PASTS = _with_times("past", True, (NO_TIME, *PAST_TIMES))
FUTURES = _with_times("future", False, (NO_TIME, *FUTURE_TIMES))
NEGATIVE_FUTURES = _with_times("future", True, (NO_TIME, *FUTURE_TIMES[:-1]))
OPINION_TENSES = (
    Tense("present"),
    Tense("present", True),
    Tense("past"),
    Tense("past", True),
)
PROGRESSIVES = (
    Tense("progressive"),
    Tense("progressive", time=NOW),
    Tense("past progressive"),
    Tense("progressive", True),
)
ABILITIES = (
    Tense("can"),
    Tense("can", True),
    Tense("could", True),
)
WISHES = (Tense("want"), Tense("want", time=NOW))
SIMPLE_TENSES = PASTS + NEGATIVE_PASTS + FUTURES + NEGATIVE_FUTURES


def english_verb(verb: Verb, tense: Tense, agreement: str) -> str:
    """Returns the marked English verb: "didn't/n cross/v".

    Marks: v the verb, n the negation, x the other helping words, q the time.

    Example:

    >>> english_verb(Verb("cross", "crossed", "건너다"), Tense("past", True), "third")
    "didn't/n cross/v"
    """
    name, negative, time = tense
    first, *rest = verb.english.split()
    after = "".join(f" {word}/v" for word in rest)
    base = f"{first}/v{after}"
    singular = agreement == "third"
    if name == "past" and not negative:
        return verb.past.replace(" ", "/v ") + "/v"
    if name == "present" and not negative:
        shown = (english.third_person(first) if singular else first) + "/v" + after
        return f"{time.english}/q {shown}" if time.before_verb else shown
    if name == "want":
        return f"{'wants' if singular else 'want'}/x to/x {base}"
    if name.endswith("progressive"):
        helper = english.be(agreement, past=name.startswith("past"))
        shown = f"{english.present_participle(first)}/v{after}"
        return f"{helper}/x {'not/n ' if negative else ''}{shown}"
    if negative:
        helpers = {"past": "didn't/n", "future": "won't/n,x", "can": "can't/n,x"}
        helpers |= {"could": "couldn't/n,x"}
        helpers["present"] = "doesn't/n" if singular else "don't/n"
        return f"{helpers[name]} {base}"
    return f"{ {'future': 'will', 'can': 'can'}[name] }/x {base}"


def korean_verb(verb: Verb, tense: Tense, wants: bool = False) -> str:
    """Returns the marked Korean verb; `wants` is true for the speaker.

    Example:

    >>> korean_verb(Verb("cross", "crossed", "건너다"), Tense("past", True))
    '건너지/v 않았다/n'
    """
    name, negative, _ = tense
    word, irregular = verb.korean, verb.irregular
    if name == "want":
        return f"{korean.connected(word, '고')}/v " + (
            "싶다/x" if wants else "싶어/x 한다/x"
        )
    if name.endswith("progressive"):
        there_is = "있었다" if name.startswith("past") else "있다"
        if negative:
            return f"{korean.connected(word, '고')}/v 있지/x 않다/n"
        return f"{korean.connected(word, '고')}/v {there_is}/x"
    if name in ("can", "could"):
        ending = {"can": ("있다/x", "없다/n,x"), "could": ("있었다/x", "없었다/n,x")}
        return f"{korean.prospective(word, irregular)}/v 수/x {ending[name][negative]}"
    if negative:
        ending = {
            "past": "않았다/n",
            "future": "않을/n 것이다/x",
            "present": "않는다/n",
        }
        return f"{korean.connected(word, '지')}/v {ending[name]}"
    if name == "future":
        return f"{korean.prospective(word, irregular)}/v 것이다/x"
    return {"past": korean.past, "present": korean.present}[name](
        word, irregular
    ) + "/v"


# Forms of an adjective: (name, negative). The adjective carries the mark j.
STATES = (
    ("present", False),
    ("present", True),
    ("past", False),
    ("past", True),
)


def english_state(agreement: str, state: tuple[str, bool]) -> str:
    """Returns the marked English "be": "is/b", "was/b not/n".

    Example:

    >>> english_state("third", ("past", True))
    'was/b not/n'
    """
    name, negative = state
    return f"{english.be(agreement, name == 'past')}/b" + (" not/n" if negative else "")


def korean_state(adjective: Adjective, state: tuple[str, bool]) -> str:
    """Returns the marked Korean adjective: "넓다/j,b", "넓지/j 않았다/b,n".

    Example:

    >>> korean_state(Adjective("wide", "넓다"), ("past", True))
    '넓지/j 않았다/b,n'
    """
    name, negative = state
    _, word, irregular = adjective
    if negative:
        shown = "않았다" if name == "past" else "않다"
        return f"{korean.connected(word, '지')}/j {shown}/b,n"
    return (korean.past(word, irregular) if name == "past" else word) + "/j,b"


def english_time(time: Time) -> str:
    """Returns the time at the end of the English sentence, or an empty string.

    Example:

    >>> english_time(NOW)
    'now/q'
    """
    return "" if time.before_verb else _marked_time(time.english)


def korean_time(time: Time) -> str:
    """Returns the time after the Korean topic, or an empty string.

    Example:

    >>> korean_time(NOW)
    '지금/q'
    """
    return _marked_time(time.korean)


def _marked_time(text: str) -> str:
    return mark("q", text)


def clause(subject: Phrase, verb: Verb, tense: Tense, rest: tuple[str, str]):
    """Joins subject, time, the rest of the clause and the verb in both orders.

    Args:
        subject: Phrase. It becomes the Korean topic.
        verb: Verb.
        tense: Tense with its time expression.
        rest: Marked English text after the verb, marked Korean text before it.

    Returns:
        Marked English text and marked Korean text.

    Example:

    >>> sleep = Verb("sleep", "slept", "자다")
    >>> clause(Phrase("I/n", "나/n"), sleep, Tense("past"), ("well/w", "잘/w"))
    ('I/sn slept/v well/w ', '나는/sn  잘/w 잤다/v')
    """
    english_text = " ".join(
        [
            mark("s", subject.english),
            english_verb(verb, tense, subject.agreement),
            rest[0],
            english_time(tense.time),
        ]
    )
    korean_text = " ".join(
        [
            add_particle(mark("s", subject.korean), "topic"),
            korean_time(tense.time),
            rest[1],
            korean_verb(verb, tense, subject.wants),
        ]
    )
    return english_text, korean_text


def verb_words(verb: Verb, *phrases: Phrase) -> tuple[str, ...]:
    """Returns the content words of a verb and its phrases.

    Example:

    >>> verb_words(Verb("sleep", "slept", "자다"), Phrase("Tom/n", "톰/n", ("Tom",)))
    ('sleep', 'Tom')
    """
    return (verb.english, *(word for phrase in phrases for word in phrase.words))
