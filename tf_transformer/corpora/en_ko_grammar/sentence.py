"""A sentence pair, and the pattern that makes many of them."""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple


class Example(NamedTuple):
    """One sentence pair with its gold alignment.

    `alignment` is a list of "source word-target word" numbers that start at 0.
    `antecedent` is "index of *it*-index of its noun", both in the source, or an
    empty string.

    Example:

    >>> Example("Tom slept.", "톰은 잤다.", "0-0 1-1", "").target
    '톰은 잤다.'
    """

    source: str
    target: str
    alignment: str
    antecedent: str


class Sentence(NamedTuple):
    """An example with the name of its pattern and its content words."""

    example: Example
    pattern: str
    words: tuple[str, ...]


class Pattern(NamedTuple):
    """A way to build sentences: independent choices and a function that joins them.

    `build` takes one option of every slot and returns a marked English text, a marked
    Korean text, the content words and, optionally, the marks of *it* and its noun.
    `weight` is the relative frequency of the pattern in the corpus.

    Example:

    >>> def build(name):
    ...     return f"{name}/s sleeps/v", "톰은/s 잔다/v", (name, "sleep")
    >>> pattern = Pattern("naps", 1, (["Tom"],), build)
    >>> pattern.size, pattern.sentence("Tom").example.target
    (1, '톰은 잔다.')
    """

    name: str
    weight: int
    slots: tuple[Sequence[Any], ...]
    build: Callable[..., tuple]

    @property
    def size(self) -> int:
        """The number of different sentences of this pattern."""
        return math.prod(len(slot) for slot in self.slots)

    def sentence(self, *options: Any) -> Sentence:
        """Builds the sentence of these options, one of every slot."""
        english_text, korean_text, words, *antecedent = self.build(*options)
        example = _example(english_text, korean_text, *antecedent)
        return Sentence(example, self.name, tuple(sorted(words)))

    def sample(self, random: Random) -> Sentence:
        """Builds a sentence of random options."""
        return self.sentence(*(choose(random, slot) for slot in self.slots))


def choose(random: Random, options: Sequence[Any]) -> Any:
    """Chooses one option, the same one on every platform and Python version.

    Python promises this for `Random.random` only, not for `Random.choice`.

    Example:

    >>> choose(Random("seed"), ["only"])
    'only'
    """
    return options[int(random.random() * len(options))]


def _read(marked: str) -> tuple[list[str], list[set[str]]]:
    words, marks = [], []
    for item in marked.split():
        word, _, own_marks = item.partition("/")
        words.append(word)
        marks.append(set(own_marks.split(",")) - {""})
    return words, marks


def _example(english_text: str, korean_text: str, antecedent=()) -> Example:
    source, source_marks = _read(english_text)
    target, target_marks = _read(korean_text)
    links = [
        f"{i}-{j}"
        for i, left in enumerate(source_marks)
        for j, right in enumerate(target_marks)
        if left & right
    ]
    places = [
        next(i for i, marks in enumerate(source_marks) if name in marks)
        for name in antecedent
    ]
    text = " ".join(source)
    return Example(
        source=text[0].upper() + text[1:] + ".",
        target=" ".join(target) + ".",
        alignment=" ".join(links),
        antecedent="-".join(str(place) for place in places),
    )
