"""Word alignments from attention, gold alignments, and the alignment error rate."""

import os
import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import numpy as np

from tf_transformer.analysis.maps import AttentionMaps, list_of_maps
from tf_transformer.analysis.words import END
from tf_transformer.data.lines import read_lines

Links = AbstractSet[tuple[int, int]]

_LINK = re.compile(r"(\d+)([-p])(\d+)")


class Alignment(NamedTuple):
    """Gold links (source word, target word), counted from 0: sure and possible ones."""

    sure: Links
    possible: Links


def parse_alignment(line: str, first_index: int) -> Alignment:
    """Reads a line in Pharaoh's format: `i-j` is a sure link, `ipj` a possible one.

    Sure links are possible links too. In some files the first word has the number 0,
    in others 1. The wrong choice would change all results without an error, so
    `first_index` has no default.

    Args:
        line: Links with spaces between them; may be empty.
        first_index: 0 or 1, the number of a sentence's first word.

    Returns:
        Links that count from 0.

    Raises:
        ValueError: If a link is malformed, or has the number 0 and `first_index` is 1;
            or if `first_index` is neither 0 nor 1.

    Example:

    >>> alignment = parse_alignment("1-1 2p3", first_index=1)
    >>> sorted(alignment.sure), sorted(alignment.possible)
    ([(0, 0)], [(0, 0), (1, 2)])
    """
    if first_index not in (0, 1):
        raise ValueError(
            "Words are numbered from 0 or from 1. Expected first_index 0 or 1. "
            f"Received: {first_index}"
        )
    links: dict[str, set] = {"-": set(), "p": set()}
    for word in line.split():
        link = _LINK.fullmatch(word)
        places = (int(link[1]), int(link[3])) if link else (-1, -1)
        if min(places) < first_index:
            raise ValueError(
                f'A link cannot be read. Expected "i-j" or "ipj", words numbered from '
                f"{first_index}. Received: {word!r}"
            )
        links[link[2]].add((places[0] - first_index, places[1] - first_index))
    sure = frozenset(links["-"])
    return Alignment(sure, sure | links["p"])


def read_alignments(path: str | os.PathLike, first_index: int) -> list[Alignment]:
    """Reads a file with one line of `parse_alignment` per sentence pair.

    Args:
        path: The file, plain or gzip.
        first_index: 0 or 1, the number of a sentence's first word.

    Raises:
        ValueError: If a line cannot be read; the message has its number.
    """
    alignments = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            alignments.append(parse_alignment(line, first_index))
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from None
    return alignments


def alignment_error_rate(found: Sequence[Links], gold: Sequence[Alignment]) -> float:
    """AER of Och and Ney (2003), over all sentences together.

        AER = 1 - (|A and S| + |A and P|) / (|A| + |S|)

    A are the links found, S the sure and P the possible gold links, S within P.
    0 is best. https://aclanthology.org/J03-1002

    Args:
        found: Links of each sentence pair.
        gold: Gold links of each sentence pair.

    Raises:
        ValueError: If the numbers of sentences differ, or there are no links.

    Example: one of two links found is sure, one wrong, and one sure link is missed.

    >>> gold = [parse_alignment("0-0 1-1", first_index=0)]
    >>> alignment_error_rate([{(0, 0), (1, 0)}], gold)
    0.5
    """
    if len(found) != len(gold):
        raise ValueError(
            "Links and gold links must belong to the same sentences. Received: "
            f"{len(found)} and {len(gold)} sentences"
        )
    right = size = 0
    for links, (sure, possible) in zip(found, gold, strict=True):
        right += len(links & sure) + len(links & possible)
        size += len(links) + len(sure)
    if not size:
        raise ValueError("There is nothing to score. Expected links. Received: none")
    return 1 - right / size


def strongest_links(weights: np.ndarray) -> set[tuple[int, int]]:
    """Links every target word with the source word of the largest weight.

    Args:
        weights: Array `(T, S)` of words; of equal weights the first is used.

    Example:

    >>> sorted(strongest_links(np.array([[0.1, 0.9], [0.6, 0.4]])))
    [(0, 1), (1, 0)]
    """
    return {(int(s), t) for t, s in enumerate(np.argmax(weights, axis=-1))}


def word_weights(maps: AttentionMaps) -> np.ndarray:
    """Cross-attention between words, without end tokens, `(N, h, T, S)`.

    Args:
        maps: Maps of words (`AttentionMaps.in_words`).

    Raises:
        ValueError: If the maps are of pieces.
    """
    if not maps.are_words:
        raise ValueError(
            "An alignment links words. Expected maps of words, which "
            f"AttentionMaps.in_words returns. Received: pieces {maps.source}"
        )
    num_targets, num_sources = (
        len(side) - (END in side[-1:]) for side in (maps.target, maps.source)
    )
    return maps.cross[:, :, :num_targets, :num_sources]


def alignment_error_rates(
    maps: Sequence[AttentionMaps], gold: Sequence[Alignment]
) -> np.ndarray:
    """The alignment error rate of every head's strongest links.

    Args:
        maps: Maps of words, of the gold translations.
        gold: Gold links, one for each of the maps.

    Returns:
        Array `(N, h)`.

    Raises:
        ValueError: If there are no maps, if they are of pieces, or as in
            `alignment_error_rate`.
    """
    maps = list_of_maps(maps)
    weights = [word_weights(sentence_maps) for sentence_maps in maps]
    rates = np.zeros((maps[0].num_layers, maps[0].num_heads))
    for layer, head in np.ndindex(rates.shape):
        links = [
            strongest_links(sentence_weights[layer, head])
            for sentence_weights in weights
        ]
        rates[layer, head] = alignment_error_rate(links, gold)
    return rates


def baseline_links(
    sizes: Iterable[tuple[int, int]], seed: int = 0
) -> dict[str, list[set[tuple[int, int]]]]:
    """Links that do not depend on the words.

        uniform    every source word with every target word, as with equal weights
        diagonal   target word t with the source word at the same relative position,
                   floor((t + 1/2) S / T)
        random     every target word with one random source word

    Args:
        sizes: The words (S, T) of each sentence pair.
        seed: Seed of the random links.

    Returns:
        Dictionary from the name to the links of each pair.

    Raises:
        ValueError: If a source has no words.

    Example:

    >>> sorted(baseline_links([(4, 2)])["diagonal"][0])
    [(1, 0), (3, 1)]
    """
    random = np.random.default_rng(seed)
    links: dict[str, list] = {"uniform": [], "diagonal": [], "random": []}
    for num_sources, num_targets in sizes:
        if num_sources < 1:
            raise ValueError(
                "Words cannot be linked with an empty source. Expected sizes (S, T) "
                f"with at least one source word. Received: {(num_sources, num_targets)}"
            )
        targets = range(num_targets)
        links["uniform"].append({(s, t) for s in range(num_sources) for t in targets})
        links["diagonal"].append(
            {((2 * t + 1) * num_sources // (2 * num_targets), t) for t in targets}
        )
        sources = random.integers(num_sources, size=num_targets)
        links["random"].append(set(zip(sources.tolist(), targets, strict=True)))
    return links
