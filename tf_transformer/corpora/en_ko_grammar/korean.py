"""Korean word forms, computed from the letters inside each syllable.

A Hangul syllable is one code point: 0xAC00 + (lead * 21 + vowel) * 28 + final.
All rules here take a syllable apart, change one letter and put it together again.
Verbs and adjectives are given in their dictionary form, which ends in 다, and with
the name of their irregular class ("ㅂ", "ㄷ", "ㅅ", "ㅎ", "르") or an empty string.
The style is the plain written one (한다, 했다, 할 것이다).
"""

import functools

_FIRST_SYLLABLE = 0xAC00
_LAST_SYLLABLE = 0xD7A3
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"

# Name: (after a final consonant, after a vowel).
_PARTICLES = {
    "topic": ("은", "는"),
    "subject": ("이", "가"),
    "object": ("을", "를"),
    "and": ("과", "와"),
    "by": ("으로", "로"),
    "to": ("에", "에"),
    "in": ("에서", "에서"),
    "recipient": ("에게", "에게"),
    "of": ("의", "의"),
    "than": ("보다", "보다"),
    "is": ("이다", "다"),
    "was": ("이었다", "였다"),
}

# The contraction of a stem's last vowel with the 아 or 어 after it.
_MELTED = {
    "ㅏ": "ㅏ",
    "ㅐ": "ㅐ",
    "ㅓ": "ㅓ",
    "ㅔ": "ㅔ",
    "ㅕ": "ㅕ",
    "ㅗ": "ㅘ",
    "ㅚ": "ㅙ",
    "ㅜ": "ㅝ",
    "ㅣ": "ㅕ",
}

IRREGULAR_CLASSES = ("", "ㅂ", "ㄷ", "ㅅ", "ㅎ", "르")


def take_apart(syllable: str) -> tuple[int, str, str]:
    """Splits a syllable into the number of its lead, its vowel and its final.

    The final is an empty string when the syllable ends in a vowel.

    Example:

    >>> take_apart("길")
    (0, 'ㅣ', 'ㄹ')
    """
    if len(syllable) != 1 or not _FIRST_SYLLABLE <= ord(syllable) <= _LAST_SYLLABLE:
        raise ValueError(
            "syllable must be one Hangul syllable, so that it can be taken apart. "
            f"Received: {syllable!r}."
        )
    lead, rest = divmod(ord(syllable) - _FIRST_SYLLABLE, 21 * 28)
    vowel, final = divmod(rest, 28)
    return lead, _VOWELS[vowel], _FINALS[final].strip()


def put_together(lead: int, vowel: str, final: str = "") -> str:
    """Builds one syllable: the reverse of `take_apart`.

    Example:

    >>> put_together(0, "ㅣ", "ㄴ")
    '긴'
    """
    number = (lead * 21 + _VOWELS.index(vowel)) * 28 + _FINALS.index(final or " ")
    return chr(_FIRST_SYLLABLE + number)


def final_consonant(word: str) -> str:
    """Returns the final consonant of a word's last syllable, or an empty string.

    Example:

    >>> final_consonant("길"), final_consonant("다리")
    ('ㄹ', '')
    """
    return take_apart(word[-1:])[2]


def with_particle(word: str, particle: str) -> str:
    """Adds a particle in the form that the word's last letter requires.

    Args:
        word: A word that ends in a Hangul syllable.
        particle: One of "topic", "subject", "object", "and", "by", "to", "in",
            "recipient", "of", "than", "is", "was".

    Example:

    >>> with_particle("학생", "topic"), with_particle("의사", "topic")
    ('학생은', '의사는')
    >>> with_particle("지하철", "by"), with_particle("트럭", "by")
    ('지하철로', '트럭으로')
    """
    if particle not in _PARTICLES:
        raise ValueError(
            f"particle must be one of {', '.join(_PARTICLES)}. Received: {particle!r}."
        )
    final = final_consonant(word)
    if particle == "by" and final == "ㄹ":
        final = ""
    after_consonant, after_vowel = _PARTICLES[particle]
    return word + (after_consonant if final else after_vowel)


def _replace_final(word: str, final: str) -> str:
    lead, vowel, _ = take_apart(word[-1])
    return word[:-1] + put_together(lead, vowel, final)


def _stem(word: str, irregular: str) -> str:
    if len(word) < 2 or not word.endswith("다"):
        raise ValueError(
            "word must be a verb or adjective in its dictionary form, which ends in "
            f"'다'. Received: {word!r}."
        )
    if irregular not in IRREGULAR_CLASSES:
        raise ValueError(
            f"irregular must be one of {IRREGULAR_CLASSES}. Received: {irregular!r}."
        )
    return word[:-1]


def _asks_for_a(syllable: str) -> bool:
    """Whether 아 follows this syllable (vowel harmony); otherwise 어 does."""
    return take_apart(syllable)[1] in "ㅏㅑㅗ"


@functools.cache
def infinitive(word: str, irregular: str = "") -> str:
    """Returns the -아/어 form, on which the past and -아서/어서 are built.

    Example:

    >>> infinitive("건너다"), infinitive("보다"), infinitive("피곤하다")
    ('건너', '봐', '피곤해')
    >>> infinitive("돕다", "ㅂ"), infinitive("고르다", "르"), infinitive("쓰다")
    ('도와', '골라', '써')
    """
    stem = _stem(word, irregular)
    lead, vowel, final = take_apart(stem[-1])
    if irregular == "ㅂ":
        # 도와 and 고와 are the only ones with 와; all others have 워.
        ending = "와" if stem in ("돕", "곱") else "워"
        return _replace_final(stem, "") + ending
    if irregular == "ㄷ":
        return _replace_final(stem, "ㄹ") + ("아" if vowel in "ㅏㅗ" else "어")
    if irregular == "ㅅ":
        return _replace_final(stem, "") + ("아" if vowel in "ㅏㅗ" else "어")
    if irregular == "ㅎ":
        return stem[:-1] + put_together(lead, {"ㅑ": "ㅒ"}.get(vowel, "ㅐ"))
    if irregular == "르":
        before = stem[:-1]
        return _replace_final(before, "ㄹ") + (
            "라" if _asks_for_a(before[-1]) else "러"
        )
    if final:
        return stem + ("아" if _asks_for_a(stem[-1]) else "어")
    if stem[-1] == "하":
        return stem[:-1] + "해"
    if vowel == "ㅡ":
        bright = len(stem) > 1 and _asks_for_a(stem[-2])
        return stem[:-1] + put_together(lead, "ㅏ" if bright else "ㅓ")
    if vowel in _MELTED:
        return stem[:-1] + put_together(lead, _MELTED[vowel])
    return stem + "어"


def _with_soft_ending(word: str, irregular: str, letter: str) -> str:
    """Adds -(으)ㄴ or -(으)ㄹ to the stem."""
    stem = _stem(word, irregular)
    full = {"ㄴ": "은", "ㄹ": "을"}[letter]
    if irregular == "ㅂ":
        return _replace_final(stem, "") + _replace_final("우", letter)
    if irregular == "ㄷ":
        return _replace_final(stem, "ㄹ") + full
    if irregular == "ㅅ":
        return _replace_final(stem, "") + full
    if irregular == "ㅎ" or final_consonant(stem) in ("", "ㄹ"):
        return _replace_final(stem, letter)
    return stem + full


def past(word: str, irregular: str = "") -> str:
    """Returns the past: 건너다 becomes 건넜다.

    Example:

    >>> past("건너다"), past("먹다"), past("듣다", "ㄷ")
    ('건넜다', '먹었다', '들었다')
    """
    return _replace_final(infinitive(word, irregular), "ㅆ") + "다"


def because(word: str, irregular: str = "") -> str:
    """Returns the form that gives a reason: 넓다 becomes 넓어서.

    Example:

    >>> because("넓다"), because("피곤하다"), because("목마르다", "르")
    ('넓어서', '피곤해서', '목말라서')
    """
    return infinitive(word, irregular) + "서"


def present(word: str, irregular: str = "") -> str:
    """Returns the plain present of a verb (an adjective's is its dictionary form).

    Example:

    >>> present("가다"), present("먹다"), present("만들다")
    ('간다', '먹는다', '만든다')
    """
    stem = _stem(word, irregular)
    if final_consonant(stem) in ("", "ㄹ"):
        return _replace_final(stem, "ㄴ") + "다"
    return stem + "는다"


def prospective(word: str, irregular: str = "") -> str:
    """Returns the -(으)ㄹ form, which precedes 것이다 and 수 있다.

    Example:

    >>> prospective("건너다"), prospective("읽다"), prospective("만들다")
    ('건널', '읽을', '만들')
    """
    return _with_soft_ending(word, irregular, "ㄹ")


def adnominal(word: str, irregular: str = "") -> str:
    """Returns the form of an adjective that precedes a noun.

    Example:

    >>> adnominal("크다"), adnominal("작다"), adnominal("길다"), adnominal("맛있다")
    ('큰', '작은', '긴', '맛있는')
    """
    if word.endswith(("있다", "없다")):
        return word[:-1] + "는"
    return _with_soft_ending(word, irregular, "ㄴ")


def connected(word: str, ending: str) -> str:
    """Adds an ending that never changes the stem: 지, 고.

    Example:

    >>> connected("건너다", "지"), connected("읽다", "고")
    ('건너지', '읽고')
    """
    return _stem(word, "") + ending
