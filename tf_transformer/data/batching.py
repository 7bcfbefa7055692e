"""Batches of pairs of like length, as many tokens in each as fit (section 5.1)."""

from array import array
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np

from tf_transformer.data.corpus import Pair
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.ids import BOS_ID, PAD_ID

_PAIRS_PER_CHUNK = 10_000

Batch = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]


class _Side(NamedTuple):
    """All sentences of one side: `ids[offsets[i]:][:lengths[i]]` is sentence i."""

    ids: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray


class _Plan(NamedTuple):
    """One epoch: pairs in order, the two ends of each batch, weight per update."""

    order: np.ndarray
    bounds: np.ndarray
    weights: np.ndarray


class Batches:
    """Cuts encoded pairs into padded batches, in a new order in every epoch.

    "Sentence pairs were batched together by approximate sequence length" (section
    5.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762)). Pairs
    are sorted by length and cut so that `B * S` and `B * T` are at most
    `batch_tokens`, S and T being the longest of the batch.

    An element is `({"source_ids", "target_ids"}, labels, weights)`: `source_ids`
    `(B, S)` int32, `target_ids` `(B, T)` int32 = begin token and tokens, `labels`
    `(B, T)` int32 = tokens and end token, `weights` `(B, T)` float32. Padding is 0.

    An update is `gradient_accumulation_steps` = n batches in a row. The weight of a
    real target token is n / (number of real target tokens of its update), since
    Keras averages the n gradients: the update is then the gradient of the mean over
    its tokens. The last update is filled up with batches of nothing but padding.

    Shuffling permutes pairs of equal lengths, and the batches. So the number
    of batches and their shapes are the same in every epoch.

    Args:
        pairs: Pairs `(source, target)`. Read once.
        tokenizer: `Tokenizer`, or an object with the same `encode_source` and
            `encode_target`: list of strings to list of lists of ids, end token last.
        batch_tokens: Integer. Most tokens on one side of a batch, padding included.
            A single longer pair is a batch of its own. Defaults to 2048.
        shuffle: Whether every epoch has its own order. Defaults to `False`.
        seed: Integer. With the number of the epoch it fixes the order. Defaults to 0.
        max_length: Integer. Most tokens of a sentence, end token included. A pair with
            a longer side is dropped whole, never cut. Defaults to 512.
        gradient_accumulation_steps: Integer n, as in the optimizer. Defaults to 1.

    Attributes:
        epoch: Integer. The epoch whose batches are given. Set it to resume.
        num_pairs: Integer. Pairs in an epoch.
        num_dropped: Integer. Pairs left out: longer than `max_length`, or blank.
        num_target_tokens: Integer. Real target tokens in an epoch, end tokens included.

    Raises:
        ValueError: If an argument is out of range or no pair is left.

    Example:

    >>> pairs = [("a cat sat", "고양이가 앉았다"), ("a dog ran", "개가 달렸다")]
    >>> batches = Batches(pairs, Tokenizer.train(pairs, vocab_size=320))
    >>> inputs, labels, weights = batches[0]
    >>> inputs["target_ids"][:, 0].tolist()
    [2, 2]
    >>> round(float(weights.sum()), 4)
    1.0

    Shape letters: B batch, S source length, T target length.
    """

    def __init__(
        self,
        pairs: Iterable[Pair],
        tokenizer: Tokenizer,
        batch_tokens: int = 2048,
        shuffle: bool = False,
        seed: int = 0,
        max_length: int = 512,
        gradient_accumulation_steps: int = 1,
    ):
        _check_at_least("batch_tokens", batch_tokens, 1)
        _check_at_least("seed", seed, 0)
        _check_at_least("max_length", max_length, 2)
        _check_at_least("gradient_accumulation_steps", gradient_accumulation_steps, 1)
        self.batch_tokens = batch_tokens
        self.shuffle = shuffle
        self.seed = seed
        self.max_length = max_length
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.epoch = 0
        self._sources, self._targets, self.num_dropped = _encode(
            pairs, tokenizer, max_length
        )
        self.num_pairs = len(self._targets.lengths)
        self.num_target_tokens = int(self._targets.lengths.sum())
        if not self.num_pairs:
            raise ValueError(
                f"There are no pairs to make batches of. Expected at least one pair "
                f"with two sides of 1 to {max_length - 1} tokens. "
                f"Received: {self.num_dropped} pairs, all too long or blank."
            )
        self._sorted, self._tie = self._sort()
        self._starts = self._cut()
        self._plan = lru_cache(maxsize=2)(self._draw)

    def __len__(self) -> int:
        steps = self.gradient_accumulation_steps
        return -(-len(self._starts) // steps) * steps

    def __getitem__(self, index: int) -> Batch:
        return self.batch_at(self.epoch, index)

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.epoch
        for index in range(len(self)):
            yield self.batch_at(epoch, index)
        self.end_epoch(epoch)

    def batch_at(self, epoch: int, index: int) -> Batch:
        """Makes the element `index` of the epoch `epoch`; nothing else decides on it.

        Raises an `IndexError` if the epoch has no such batch.
        """
        if not 0 <= index < len(self):
            raise IndexError(
                f"There is no such batch. Expected 0 <= index < {len(self)}. "
                f"Received: index={index}."
            )
        if index >= len(self._starts):
            ids = np.full((1, 1), PAD_ID, np.int32)
            inputs = {"source_ids": ids, "target_ids": ids}
            return inputs, ids, np.zeros(ids.shape, np.float32)
        plan = self._plan(epoch)
        start, end = plan.bounds[index]
        rows = plan.order[start:end]
        source_ids = self._padded(self._sources, rows)
        labels = self._padded(self._targets, rows)
        real = labels != PAD_ID
        # bos, y_1, ..., y_m: (B, T)
        target_ids = np.full_like(labels, BOS_ID)
        target_ids[:, 1:] = labels[:, :-1]
        target_ids *= real
        # n / (real tokens of the update): (B, T)
        weights = real * plan.weights[index // self.gradient_accumulation_steps]
        return {"source_ids": source_ids, "target_ids": target_ids}, labels, weights

    def end_epoch(self, epoch: int) -> None:
        """Goes on to the next epoch, unless `epoch` is no longer the current one."""
        if self.epoch == epoch:
            self.epoch = epoch + 1

    def _sort(self) -> tuple[np.ndarray, np.ndarray]:
        """Sorts the pairs by length; the source goes up and down in turn.

        Returns the pairs in order, and the group of equal lengths of each place.
        """
        source, target = self._sources.lengths, self._targets.lengths
        upwards = np.where(target % 2 == 1, source, -source)
        order = np.lexsort((upwards, target))
        keys = np.stack([target, upwards])[:, order]
        changes = np.any(keys[:, 1:] != keys[:, :-1], axis=0)
        return order, np.concatenate([[0], np.cumsum(changes)])

    def _cut(self) -> np.ndarray:
        """Cuts the sorted pairs greedily; returns the first place of each batch."""
        longer = np.maximum(self._sources.lengths, self._targets.lengths)
        lengths = longer[self._sorted].tolist()
        starts, longest = [0], 0
        for place, length in enumerate(lengths):
            longest = max(longest, length)
            num_rows = place - starts[-1] + 1
            if num_rows > 1 and num_rows * longest > self.batch_tokens:
                starts.append(place)
                longest = length
        return np.array(starts)

    def _draw(self, epoch: int) -> "_Plan":
        """Draws the order of an epoch and counts the tokens of its updates."""
        ends = np.append(self._starts[1:], self.num_pairs)
        bounds = np.stack([self._starts, ends], axis=1)
        order, drawn = self._sorted, np.arange(len(bounds))
        if self.shuffle:
            generator = np.random.default_rng((self.seed, epoch))
            order = order[np.lexsort((generator.random(self.num_pairs), self._tie))]
            drawn = generator.permutation(len(bounds))
        tokens = np.add.reduceat(self._targets.lengths[order], self._starts)[drawn]
        steps = self.gradient_accumulation_steps
        update_tokens = np.add.reduceat(tokens, np.arange(0, len(tokens), steps))
        return _Plan(order, bounds[drawn], np.float32(steps / update_tokens))

    def _padded(self, side: "_Side", rows: np.ndarray) -> np.ndarray:
        """Lays the sentences `rows` one below the other: (B, longest length)."""
        lengths = side.lengths[rows][:, None]
        positions = np.arange(lengths.max())
        real = positions < lengths
        ids = np.full(real.shape, PAD_ID, np.int32)
        ids[real] = side.ids[(side.offsets[rows][:, None] + positions)[real]]
        return ids


def _encode(
    pairs: Iterable[Pair], tokenizer: Tokenizer, max_length: int
) -> tuple[_Side, _Side, int]:
    """Encodes the pairs in chunks and counts those that are blank or too long."""
    sides = (array("i"), array("i")), (array("i"), array("i"))
    num_dropped, remaining = 0, iter(pairs)
    while chunk := list(islice(remaining, _PAIRS_PER_CHUNK)):
        sources, targets = (list(texts) for texts in zip(*chunk, strict=True))
        source_ids = tokenizer.encode_source(sources)
        target_ids = tokenizer.encode_target(targets)
        for texts, *pair_ids in zip(chunk, source_ids, target_ids, strict=True):
            fits = all(1 < len(ids) <= max_length for ids in pair_ids)
            if not (fits and all(text.strip() for text in texts)):
                num_dropped += 1
                continue
            for (side_ids, lengths), ids in zip(sides, pair_ids, strict=True):
                side_ids.extend(ids)
                lengths.append(len(ids))
    return _side(*sides[0]), _side(*sides[1]), num_dropped


def _side(ids: array, lengths: array) -> _Side:
    counts = np.array(lengths, np.int64)
    return _Side(np.array(ids, np.int32), np.cumsum(counts) - counts, counts)


def _check_at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(
            f"{name} is too small. Expected an integer of at least {least}. "
            f"Received: {name}={value}."
        )
