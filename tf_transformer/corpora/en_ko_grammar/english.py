"""English word forms: plurals, third person, past, -ing, comparatives, a or an."""

import functools

_VOWELS = "aeiou"


def _ends_in_consonant_and_y(word: str) -> bool:
    return word.endswith("y") and word[-2] not in _VOWELS


def _hisses(word: str) -> bool:
    return word.endswith(("s", "x", "z", "ch", "sh"))


def _doubles_last_letter(word: str) -> bool:
    """Whether a short word like "swim" or "big" doubles its last letter."""
    if len(word) < 3 or sum(letter in _VOWELS for letter in word) != 1:
        return False
    before, vowel, last = word[-3:]
    return before not in _VOWELS and vowel in _VOWELS and last not in "aeiouwxy"


def plural(noun: str) -> str:
    """Returns the regular plural of a noun.

    Example:

    >>> plural("book"), plural("box"), plural("puppy")
    ('books', 'boxes', 'puppies')
    """
    if _ends_in_consonant_and_y(noun):
        return noun[:-1] + "ies"
    return noun + ("es" if _hisses(noun) else "s")


def third_person(verb: str) -> str:
    """Returns the form of a verb after "he" or "she".

    Example:

    >>> third_person("read"), third_person("wash"), third_person("carry")
    ('reads', 'washes', 'carries')
    """
    return verb + "es" if verb in ("go", "do") else plural(verb)


@functools.cache
def regular_past(verb: str) -> str:
    """Returns the regular past of a verb.

    Example:

    >>> regular_past("cross"), regular_past("use"), regular_past("carry")
    ('crossed', 'used', 'carried')
    """
    if verb.endswith("e"):
        return verb + "d"
    if _ends_in_consonant_and_y(verb):
        return verb[:-1] + "ied"
    return verb + (verb[-1] if _doubles_last_letter(verb) else "") + "ed"


@functools.cache
def present_participle(verb: str) -> str:
    """Returns the -ing form of a verb.

    Example:

    >>> present_participle("read"), present_participle("write")
    ('reading', 'writing')
    """
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    return verb + (verb[-1] if _doubles_last_letter(verb) else "") + "ing"


@functools.cache
def comparative(adjective: str) -> str:
    """Returns the -er form of a short adjective.

    Example:

    >>> comparative("fast"), comparative("big"), comparative("cute")
    ('faster', 'bigger', 'cuter')
    """
    if adjective.endswith("e"):
        return adjective + "r"
    if _ends_in_consonant_and_y(adjective):
        return adjective[:-1] + "ier"
    doubled = adjective[-1] if _doubles_last_letter(adjective) else ""
    return adjective + doubled + "er"


def article(word: str) -> str:
    """Returns "a" or "an" for the word that follows.

    Example:

    >>> article("book"), article("umbrella"), article("useful"), article("honest")
    ('a', 'an', 'a', 'an')
    """
    silent = word.startswith(("hon", "hour"))
    vowel = word[0] in _VOWELS and not word.startswith("use")
    return "an" if vowel or silent else "a"


def be(agreement: str, past: bool = False) -> str:
    """Returns the form of "be" for a subject.

    Args:
        agreement: "first" (I), "third" (he, a name) or "plural" (we, you, they).
        past: Whether the sentence is about the past.

    Example:

    >>> be("first"), be("third"), be("plural", past=True)
    ('am', 'is', 'were')
    """
    forms = {
        "first": ("am", "was"),
        "third": ("is", "was"),
        "plural": ("are", "were"),
    }
    if agreement not in forms:
        raise ValueError(
            f"agreement must be one of {', '.join(forms)}. Received: {agreement!r}."
        )
    return forms[agreement][past]
