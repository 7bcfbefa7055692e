"""The antecedent of *it*: whether a head attends to the right noun.

"The animal didn't cross the street because it was too tired / too wide." The Korean
sentence must name the noun; the built-in corpus has the right noun for every *it*.
"""

from collections.abc import Sequence

import numpy as np

from tf_transformer.analysis.maps import AttentionMaps, list_of_maps
from tf_transformer.analysis.words import word_starts
from tf_transformer.corpora import en_ko_grammar as grammar
from tf_transformer.corpora.en_ko_grammar.nouns import NOUNS
from tf_transformer.corpora.en_ko_grammar.sentence import Example


def examples_with_antecedent(split: str) -> list[Example]:
    """The sentences of the built-in corpus with an *it*.

    Args:
        split: "train", "validation", "test" or "test_combinations".

    Example:

    >>> examples_with_antecedent("test")[0].source
    "The bear won't enter the garden because it is very lazy."
    """
    return [example for example in grammar.generate(split) if example.antecedent]


def antecedent_positions(example: Example) -> tuple[int, int, list[int]]:
    """Positions of *it*, of its noun, and of all nouns before *it*.

    Example:

    >>> antecedent_positions(examples_with_antecedent("test")[0])
    (7, 1, [1, 5])
    """
    pronoun, noun = map(int, example.antecedent.split("-"))
    words = example.source.lower().split()[:pronoun]
    return pronoun, noun, [i for i, word in enumerate(words) if word in NOUNS]


def korean_antecedent_position(example: Example) -> int:
    """Position of the Korean word that names the antecedent of *it*.

    Example:

    >>> korean_antecedent_position(examples_with_antecedent("test")[0])
    1
    """
    pronoun = example.antecedent.split("-")[0]
    links = [link.split("-") for link in example.alignment.split()]
    return next(int(target) for source, target in links if source == pronoun)


def antecedent_scores(
    maps: Sequence[AttentionMaps], examples: Sequence[Example], kind: str
) -> dict[str, np.ndarray]:
    """Returns how often each head attends to the antecedent of *it*.

    In the encoder the row of *it* is used; in cross-attention, the step that generates
    the first piece of the Korean word that names the antecedent. A sentence counts
    under

        words   if the noun gets more than every other word, apart from *it*
                itself and the end token;
        nouns   if it gets more than the other nouns before *it*.

    Args:
        maps: Maps of pieces, of the examples' translations.
        examples: Examples with an antecedent, one for each of the maps.
        kind: `"encoder"` or `"cross"`.

    Returns:
        Shares of the sentences under `"words"` and `"nouns"`, arrays `(N, h)`.

    Raises:
        ValueError: For another kind, if maps and examples differ in number, or if maps
            are of words.
    """
    maps = list_of_maps(maps)
    if kind not in ("encoder", "cross") or len(maps) != len(examples):
        raise ValueError(
            "Antecedents are scored on maps of the examples. Expected "
            "encoder or cross, and as many maps as examples. Received: "
            f"{kind!r}, {len(maps)} maps, {len(examples)} examples"
        )
    if any(sentence_maps.are_words for sentence_maps in maps):
        raise ValueError(
            "The first piece of a Korean word is scored. Expected maps of pieces. "
            "Received: maps of words"
        )
    scores: dict[str, list] = {"words": [], "nouns": []}
    for sentence_maps, example in zip(maps, examples, strict=True):
        pronoun, noun, nouns = antecedent_positions(example)
        weights = _row(sentence_maps, example, kind)
        choices = {"words": _other_words(example, pronoun), "nouns": nouns}
        for name, columns in choices.items():
            other_columns = [column for column in columns if column != noun]
            strongest = np.max(weights[..., other_columns], axis=-1)
            scores[name].append(weights[..., noun] > strongest)
    return {name: np.mean(choices, axis=0) for name, choices in scores.items()}


def _row(maps, example, kind):
    """The weights of each head for *it* or its Korean noun: `(N, h, words)`."""
    if kind == "encoder":
        word_maps = maps.in_words()
        return word_maps.weights(kind)[:, :, antecedent_positions(example)[0]]
    first_piece = word_starts(maps.target)[korean_antecedent_position(example)]
    pieces = maps.cross[:, :, first_piece]
    return np.add.reduceat(pieces, word_starts(maps.source), axis=-1)


def _other_words(example, pronoun):
    return [i for i in range(len(example.source.split())) if i != pronoun]


def antecedent_baselines(examples: Sequence[Example]) -> dict[str, float]:
    """Scores of methods that ignore the meaning.

        uniform, random word   1 / (number of candidate words): the expected score of a
                               random word, and of equal weights
        random noun            1 / (number of nouns before *it*)
        nearest noun           always the last noun before *it*
        first noun             always the first

    Args:
        examples: Examples with an antecedent.

    Returns:
        Dictionary from the name to the expected score.

    Example:

    >>> scores = antecedent_baselines(examples_with_antecedent("test"))
    >>> scores["random noun"]
    0.5
    """
    scores: dict[str, list] = {
        name: []
        for name in ("random word", "random noun", "nearest noun", "first noun")
    }
    for example in examples:
        pronoun, noun, nouns = antecedent_positions(example)
        scores["random word"].append(1 / len(_other_words(example, pronoun)))
        scores["random noun"].append(1 / len(nouns))
        scores["nearest noun"].append(nouns[-1] == noun)
        scores["first noun"].append(nouns[0] == noun)
    return {name: float(np.mean(values)) for name, values in scores.items()}
