"""Phrases: pieces of a sentence in both languages, with marks that align them.

A marked text is a text in which a word may carry marks after a slash: "the street/n".
Words of the two languages that share a mark are aligned.
"""

from typing import NamedTuple

from tf_transformer.corpora.en_ko_grammar import english, korean
from tf_transformer.corpora.en_ko_grammar.adjectives import Adjective
from tf_transformer.corpora.en_ko_grammar.nouns import (
    NAMES,
    PEOPLE,
    PLACES,
    Noun,
)
from tf_transformer.corpora.en_ko_grammar.times import NUMBERS, Number


class Phrase(NamedTuple):
    """A noun phrase: two marked texts, the content words, the verb's agreement.

    `korean` has no particle yet. `agreement` is "first", "third" or "plural".
    `wants` is true for the speaker, whose wishes Korean states without 하다.
    """

    english: str
    korean: str
    words: tuple[str, ...] = ()
    agreement: str = "third"
    wants: bool = False


def mark(label: str, text: str) -> str:
    """Puts a label on every word of a marked text, so that phrases do not mix.

    Example:

    >>> mark("o", "three/c books/n"), mark("p", "the park")
    ('three/oc books/on', 'the/p park/p')
    """
    marked = []
    for word in text.split():
        plain, _, marks = word.partition("/")
        labels = ",".join(label + own for own in marks.split(","))
        marked.append(f"{plain}/{labels}")
    return " ".join(marked)


def add_particle(text: str, particle: str, extra: str = "") -> str:
    """Adds a particle to the last word of a marked text, and perhaps a further mark.

    Example:

    >>> add_particle("책/n 세/c 권/c", "object")
    '책/n 세/c 권을/c'
    """
    *before, last = text.split()
    plain, slash, marks = last.partition("/")
    marks = ",".join(filter(None, (marks, extra)))
    last = korean.with_particle(plain, particle) + (slash or extra and "/") + marks
    return " ".join([*before, last])


def the(noun: Noun) -> Phrase:
    """Returns "the dog" and "그 개", or "the street" and "길" for an inanimate noun.

    Example:

    >>> from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
    >>> the(NOUNS["dog"]).korean, the(NOUNS["street"]).korean
    ('그/t 개/n', '길/n')
    """
    if noun.counter in ("명", "마리"):
        return Phrase(
            f"the/t {noun.english}/n", f"그/t {noun.korean}/n", (noun.english,)
        )
    return Phrase(f"the/n {noun.english}/n", f"{noun.korean}/n", (noun.english,))


def the_plural(noun: Noun) -> Phrase:
    """Returns "the dogs" and "그 개들".

    Example:

    >>> from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
    >>> the_plural(NOUNS["dog"]).korean
    '그/t 개들/n'
    """
    return Phrase(
        f"the/t {noun.plural}/n", f"그/t {noun.korean}들/n", (noun.english,), "plural"
    )


def bare(noun: Noun) -> Phrase:
    """Returns a noun without an article in both languages: a name, "bread".

    Example:

    >>> from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
    >>> bare(NOUNS["bread"]).korean
    '빵/n'
    """
    return Phrase(f"{noun.english}/n", f"{noun.korean}/n", (noun.english,))


def a(noun: Noun, adjective: Adjective | None = None) -> Phrase:
    """Returns "a book", or with an adjective "a small book" and "작은 책".

    Example:

    >>> from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
    >>> a(NOUNS["umbrella"], Adjective("small", "작다"))[:2]
    ('a/n small/j umbrella/n', '작은/j 우산/n')
    """
    first = adjective.english if adjective else noun.english
    english_text, korean_text = english.article(first) + "/n", f"{noun.korean}/n"
    words = (noun.english,)
    if adjective:
        _, dictionary_form, irregular = adjective
        english_text += f" {first}/j"
        korean_text = f"{korean.adnominal(dictionary_form, irregular)}/j {korean_text}"
        words = (first, noun.english)
    return Phrase(f"{english_text} {noun.english}/n", korean_text, words)


def counted(number: Number, noun: Noun) -> Phrase:
    """Returns "three books" and "책 세 권".

    Example:

    >>> from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
    >>> counted(Number("three", "세"), NOUNS["book"])[:2]
    ('three/c books/n', '책/n 세/c 권/c')
    """
    return Phrase(
        f"{number.english}/c {noun.plural}/n",
        f"{noun.korean}/n {number.korean}/c {noun.counter}/c",
        (noun.english,),
        "plural",
    )


def owned(owner: str, korean_owner: str, noun: Noun) -> Phrase:
    """Returns "my book" and "내 책".

    Example:

    >>> from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
    >>> owned("my", "내", NOUNS["book"])[:2]
    ('my/w book/n', '내/w 책/n')
    """
    return Phrase(
        f"{owner}/w {noun.english}/n",
        f"{korean_owner}/w {noun.korean}/n",
        (noun.english,),
    )


DETERMINERS = (
    "a",
    ("my", "내"),
    ("his", "그의"),
    ("her", "그녀의"),
    ("our", "우리"),
    ("their", "그들의"),
    ("this", "이"),
    ("that", "저"),
    *NUMBERS,
)


def determined(determiner: str | tuple[str, str] | Number, noun: Noun) -> Phrase:
    """Returns a thing with one of `DETERMINERS`.

    Example:

    >>> from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
    >>> determined("a", NOUNS["book"])[:2]
    ('a/n book/n', '책/n')
    """
    if determiner == "a":
        return a(noun)
    if isinstance(determiner, Number):
        return counted(determiner, noun)
    return owned(*determiner, noun)  # pyright: ignore


def joined(first: Noun, second: Noun) -> Phrase:
    """Returns "bread and milk" and "빵과 우유".

    Example:

    >>> from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
    >>> joined(NOUNS["bread"], NOUNS["milk"]).korean
    '빵과/n,d 우유/m'
    """
    return Phrase(
        f"{first.english}/n and/d {second.english}/m",
        f"{korean.with_particle(first.korean, 'and')}/n,d {second.korean}/m",
        (first.english, second.english),
        "plural",
    )


def topic(phrase: Phrase) -> tuple[str, str]:
    """Returns a phrase as the subject of a sentence: "the dog" and "그 개는".

    Example:

    >>> from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
    >>> topic(the(NOUNS["dog"]))
    ('the/st dog/sn', '그/st 개는/sn')
    """
    return mark("s", phrase.english), add_particle(mark("s", phrase.korean), "topic")


def direct_object(phrase: Phrase) -> tuple[str, str]:
    """Returns a phrase as an object: "the dog" and "그 개를".

    Example:

    >>> from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
    >>> direct_object(the(NOUNS["dog"]))
    ('the/ot dog/on', '그/ot 개를/on')
    """
    return mark("o", phrase.english), add_particle(mark("o", phrase.korean), "object")


def placed(phrase: Phrase, preposition: str, particle: str) -> tuple[str, str]:
    """Returns a phrase as a place: "to the park" and "공원에".

    Example:

    >>> from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
    >>> placed(the(NOUNS["park"]), "to", "to")
    ('to/pn the/pn park/pn', '공원에/pn')
    """
    return (
        mark("p", f"{preposition}/n {phrase.english}"),
        add_particle(mark("p", phrase.korean), particle),
    )


PRONOUNS = (
    Phrase("I/n", "나/n", agreement="first", wants=True),
    Phrase("you/n", "너/n", agreement="plural"),
    Phrase("we/n", "우리/n", agreement="plural", wants=True),
    Phrase("he/n", "그/n"),
    Phrase("she/n", "그녀/n"),
    Phrase("they/n", "그들/n", agreement="plural"),
)
OBJECT_PRONOUNS = tuple(
    (text + "/n", pronoun.korean)
    for text, pronoun in zip(
        ("me", "you", "us", "him", "her", "them"), PRONOUNS, strict=True
    )
)
NAME_PHRASES = tuple(bare(name) for name in NAMES.values())
PERSON_PHRASES = tuple(the(person) for person in PEOPLE.values())
PEOPLE_PHRASES = tuple(the_plural(person) for person in PEOPLE.values())
FRIEND_PHRASES = tuple(owned(*owner, PEOPLE["friend"]) for owner in DETERMINERS[1:6])
SUBJECTS = PRONOUNS + NAME_PHRASES + PERSON_PHRASES + PEOPLE_PHRASES + FRIEND_PHRASES
PLACE_PHRASES = tuple(the(place) for place in PLACES.values())
# Who can be one doctor or have one birthday.
SINGLE_SUBJECTS = (
    PRONOUNS[0],
    PRONOUNS[3],
    PRONOUNS[4],
    *NAME_PHRASES,
    *FRIEND_PHRASES,
)
