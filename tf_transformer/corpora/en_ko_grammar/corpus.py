"""The splits of the corpus: which sentences are for training and which for tests."""

import functools
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from random import Random

from tf_transformer.corpora.en_ko_grammar.actions import ACTIONS
from tf_transformer.corpora.en_ko_grammar.events import DATED_EVENTS
from tf_transformer.corpora.en_ko_grammar.journeys import JOURNEYS
from tf_transformer.corpora.en_ko_grammar.locations import LOCATIONS
from tf_transformer.corpora.en_ko_grammar.reasons import REASONS
from tf_transformer.corpora.en_ko_grammar.sentence import Example, Pattern, Sentence
from tf_transformer.corpora.en_ko_grammar.states import STATEMENTS

PATTERNS = ACTIONS + JOURNEYS + STATEMENTS + LOCATIONS + DATED_EVENTS + REASONS

SPLITS = {
    "train": 20_000,
    "validation": 1_000,
    "test": 1_000,
    "test_combinations": 1_000,
}

# Sentences for demonstration. They are in no split.
HELD_OUT = [
    Example("I am a student.", "나는 학생이다.", "0-0 1-1 2-1 3-1", ""),
    Example(
        "The animal didn't cross the street because it was too tired.",
        "그 동물은 너무 피곤해서 길을 건너지 않았다.",
        "0-0 1-1 2-6 3-5 4-4 5-4 6-3 7-1 8-3 9-2 10-3",
        "7-1",
    ),
    Example(
        "The animal didn't cross the street because it was too wide.",
        "길이 너무 넓어서 그 동물은 길을 건너지 않았다.",
        "0-3 1-4 2-7 3-6 4-5 5-5 6-2 7-0 8-2 9-1 10-2",
        "7-5",
    ),
]
# A sentence with all of these words, in any tense, is in no split either.
_HELD_OUT_WORDS = (
    {"animal", "cross", "street", "tired"},
    {"animal", "cross", "street", "wide"},
)

_SEED = "en_ko_grammar"
# One in this many pairs of content words never occurs together in training.
_ONE_PAIR_IN = 40


@functools.cache
def is_held_out_pair(first: str, second: str) -> bool:
    """Whether two content words never occur together in the train split.

    The rule is a hash of the two words, so it is the same on every machine. A sentence
    with such a pair can only be in `test_combinations`.

    Example:

    >>> is_held_out_pair("animal", "street")
    False
    """
    text = "+".join(sorted((first, second)))
    digest = hashlib.sha256(f"held out 2:{text}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % _ONE_PAIR_IN == 0


def held_out_pairs(words: Iterable[str]) -> list[tuple[str, str]]:
    """Returns the pairs of these content words that do not occur in training.

    Example:

    >>> held_out_pairs(["animal", "cross", "street", "tired"])
    []
    """
    pairs = itertools.combinations(sorted(words), 2)
    return [pair for pair in pairs if is_held_out_pair(*pair)]


def possible_pairs() -> int:
    """Returns how many different sentences all patterns can make together.

    Example:

    >>> possible_pairs() > 40_000
    True
    """
    return sum(pattern.size for pattern in PATTERNS)


def _samples(random: Random) -> Iterator[Sentence]:
    """Yields random sentences endlessly, patterns in proportion to their weight."""
    wheel: list[Pattern] = [
        pattern for pattern in PATTERNS for _ in range(pattern.weight)
    ]
    while True:
        yield wheel[int(random.random() * len(wheel))].sample(random)


def _is_kept_out(sentence: Sentence) -> bool:
    return any(words <= set(sentence.words) for words in _HELD_OUT_WORDS)


@functools.cache
def _splits() -> dict[str, tuple[Sentence, ...]]:
    common_size = sum(SPLITS.values()) - SPLITS["test_combinations"]
    common, combinations = [], []
    seen = {text for example in HELD_OUT for text in example[:2]}
    for sentence in _samples(Random(_SEED)):
        source, target = sentence.example[:2]
        if source in seen or target in seen or _is_kept_out(sentence):
            continue
        new = bool(held_out_pairs(sentence.words))
        chosen, size = (
            (combinations, SPLITS["test_combinations"])
            if new
            else (common, common_size)
        )
        if len(chosen) < size:
            chosen.append(sentence)
            seen.update((source, target))
        if len(common) + len(combinations) == sum(SPLITS.values()):
            break
    remaining = iter(common)
    return {
        split: tuple(itertools.islice(remaining, size))
        for split, size in SPLITS.items()
        if split != "test_combinations"
    } | {"test_combinations": tuple(combinations)}


def sentences(split: str) -> tuple[Sentence, ...]:
    """Returns a split's examples together with their patterns and content words.

    Args:
        split: One of `SPLITS`.

    Example:

    >>> len(sentences("validation"))
    1000
    """
    if split not in SPLITS:
        raise ValueError(
            f"split must be one of {', '.join(SPLITS)}. Received: {split!r}."
        )
    return _splits()[split]


def generate(split: str) -> list[Example]:
    """Returns the examples of one split, always the same ones in the same order.

    No sentence of either language is in two splits. `test_combinations` has only
    sentences with two words that occur in training, but never together.

    Args:
        split: "train", "validation", "test" or "test_combinations".

    Returns:
        List of `Example`.

    Example:

    >>> examples = generate("test")
    >>> len(examples)
    1000
    >>> examples[0]._fields
    ('source', 'target', 'alignment', 'antecedent')
    """
    return [sentence.example for sentence in sentences(split)]


@functools.cache
def fingerprint() -> str:
    """Returns the SHA-256 of all examples: it changes when the corpus changes.

    Example:

    >>> len(fingerprint())
    64
    """
    digest = hashlib.sha256(json.dumps(HELD_OUT).encode())
    for split in SPLITS:
        digest.update(json.dumps([split, generate(split)]).encode())
    return digest.hexdigest()


def version() -> str:
    """Returns the version of the data, "1.0.N", whose N follows the fingerprint.

    Example:

    >>> version().startswith("1.0.")
    True
    """
    return f"1.0.{int(fingerprint()[:8], 16)}"
