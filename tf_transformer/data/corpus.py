"""A corpus: sentence pairs in the splits train, validation and test."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

Pair = tuple[str, str]

HELD_OUT_SHARE = 0.02
MAX_HELD_OUT_PAIRS = 2000
_MIN_SOURCES = 3


def is_pair(item) -> bool:
    """Whether an item is (source, target), and not a dictionary or a short string.

    Example:

    >>> is_pair(("a cat", "고양이")), is_pair({"source": "a cat", "target": "고양이"})
    (True, False)
    """
    if isinstance(item, str | bytes | Mapping | Set):
        return False
    try:
        return len(item) == 2
    except TypeError:
        return False


def check_pairs(pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs as a list; a `ValueError` if an item is not a pair (see `is_pair`)."""
    pairs = list(pairs)
    for pair in pairs:
        if not is_pair(pair):
            raise ValueError(
                "Sentences come in pairs. Expected (source, target), two strings. "
                f"Received: {pair!r}"
            )
    return pairs


@dataclass(frozen=True)
class Corpus:
    """Pairs of sentences, by the name of their split.

    Args:
        splits: Dictionary from the name of a split to its pairs
            `(source, target)`. The usual names are `"train"`, `"validation"` and
            `"test"`; a corpus may have more.
        name: String. Name of the corpus in messages. Defaults to `""`.

    Raises:
        KeyError: If the corpus has no split of that name.

    Example:

    >>> corpus = Corpus({"train": [("a cat", "고양이")], "test_long": []}, name="tiny")
    >>> corpus.train
    [('a cat', '고양이')]
    >>> corpus["test_long"]
    []
    """

    splits: Mapping[str, Sequence[Pair]] = field(repr=False)
    name: str = ""

    def __getitem__(self, split: str) -> Sequence[Pair]:
        if split not in self.splits:
            raise KeyError(
                f"The corpus {self.name!r} has no split of this name. "
                f"Expected one of {sorted(self.splits)}. Received: {split!r}."
            )
        return self.splits[split]

    def __iter__(self):
        raise ValueError(
            "The pairs of a corpus are in its splits. Expected one of them, such as "
            f"corpus.train. Received: {self!r}"
        )

    @property
    def train(self) -> Sequence[Pair]:
        """The training pairs."""
        return self["train"]

    @property
    def validation(self) -> Sequence[Pair]:
        """The pairs for choosing the best weights and for early stopping."""
        return self["validation"]

    @property
    def test(self) -> Sequence[Pair]:
        """The pairs for the final score only."""
        return self["test"]


def direction(
    languages: Sequence[str],
    default: tuple[str, str] | None,
    source: str | None,
    target: str | None,
) -> tuple[str, str]:
    """The source and target language of a translation set.

    Args:
        languages: The languages of a set.
        default: The default direction of the set, if it has one.
        source: Optional source language.
        target: Optional target language.

    Raises:
        ValueError: If a language is unknown, or the direction is ambiguous.

    Example:

    >>> direction(["de", "en"], ("de", "en"), source="en", target=None)
    ('en', 'de')
    """
    chosen = (source, target)
    if chosen == (None, None) and default is not None:
        return default
    if None in chosen and len(languages) == 2:
        named = source or target
        others = [language for language in languages if language != named]
        chosen = (source or others[0], target or others[0])
    if not set(chosen) <= set(languages) or chosen[0] == chosen[1]:
        raise ValueError(
            "The direction is ambiguous. Expected source and target, two of "
            f"{sorted(languages)}. Received: source={source!r}, target={target!r}."
        )
    return chosen  # pyright: ignore


def split_pairs(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """Splits one list of pairs into train, validation and test.

    A hash of the source decides, so a pair stays in its split when the list is
    shuffled and (up to the limits below) when other pairs join it:

    * the lowest 2 % of the hash values are test, the next 2 % are validation;
    * pairs with the same source always share a split. Two sources are the same if
      they differ only in letter case, in spaces or in their Unicode form (NFKC);
    * validation and test contain at most 2,000 pairs each. Sources are admitted in the
      order of their hash values; the remaining ones go to train;
    * no split is empty. If the hash leaves validation or test without a pair, as may
      happen with a few hundred pairs, it gets the next source in the order of the
      hash values.

    Args:
        pairs: Pairs `(source, target)`.

    Returns:
        Dictionary with the keys `"train"`, `"validation"` and `"test"`. Together
        they contain every pair once, in the order of `pairs`.

    Raises:
        ValueError: If there are fewer than three different sources.

    Example:

    >>> splits = split_pairs([(f"number {i}", str(i)) for i in range(1000)])
    >>> {name: len(part) for name, part in splits.items()}
    {'train': 956, 'validation': 21, 'test': 23}
    """
    pairs = list(pairs)
    hashes = [_source_hash(source) for source, _ in pairs]
    sizes: dict[int, int] = {}
    for value in hashes:
        sizes[value] = sizes.get(value, 0) + 1
    if len(sizes) < _MIN_SOURCES:
        raise ValueError(
            f"There are too few pairs to split them into train, validation and test. "
            f"Expected at least {_MIN_SOURCES} different sources, or separate files "
            f"for validation and test. "
            f"Received: {len(pairs)} pairs with {len(sizes)} different sources."
        )
    remaining = dict(sorted(sizes.items()))
    test = _hold_out(remaining, 0.0, HELD_OUT_SHARE, keep=2)
    validation = _hold_out(remaining, HELD_OUT_SHARE, 2 * HELD_OUT_SHARE, keep=1)
    splits: dict[str, list[Pair]] = {"train": [], "validation": [], "test": []}
    for value, pair in zip(hashes, pairs, strict=True):
        if value in test:
            splits["test"].append(pair)
        elif value in validation:
            splits["validation"].append(pair)
        else:
            splits["train"].append(pair)
    return splits


def check_readable_again(pairs: Iterable[Pair]) -> None:
    """Raises a `ValueError` for a generator or another iterator."""
    if iter(pairs) is pairs:
        raise ValueError(
            "The pairs are read in every epoch. Expected a list or a stream such "
            f"as stream_tsv returns. Received: {type(pairs).__name__}, which can "
            "be read only once."
        )


def _hold_out(sizes: dict[int, int], start: float, end: float, keep: int) -> set[int]:
    """Removes the sources with hash values in [start, end) from `sizes`.

    `sizes` maps a hash value to its number of pairs, in the order of the values. At
    least `keep` sources remain.
    """
    chosen: set[int] = set()
    num_pairs = 0
    for value, size in sizes.items():
        share = value / 2**64
        if len(sizes) - len(chosen) == keep or (share >= end and chosen):
            break
        if share >= start and num_pairs + size <= MAX_HELD_OUT_PAIRS:
            chosen.add(value)
            num_pairs += size
    if not chosen:
        chosen.add(min(sizes))
    for value in chosen:
        del sizes[value]
    return chosen


def _source_hash(source: str) -> int:
    """Hashes a source to 64 bits: the same on every machine and in every run."""
    normalised = " ".join(unicodedata.normalize("NFKC", source).casefold().split())
    digest = hashlib.sha256(normalised.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big")
