"""Batches of pairs that do not fit in memory, read window by window."""

import itertools
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from tf_transformer.data.batching import (
    EpochBatches,
    Place,
    check_at_least,
    nothing_left,
)
from tf_transformer.data.corpus import Pair, check_readable_again
from tf_transformer.data.encoding import EncodedPairs, encode_pairs
from tf_transformer.data.sampling import SampledTokenizer
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.data.window import Batch, BatchLimits, Window


class StreamedBatches(EpochBatches):
    """Cuts pairs into batches window by window; only one window is in memory.

    Each epoch reads the pairs again from the first. Each `window` of pairs is sorted,
    cut and shuffled as in `Batches`. Pairs never move to another window, so a file
    that is sorted by subject should be shuffled once. The order depends on `seed`, the
    epoch and the window only. Updates of several batches continue from one window to
    the next; only the last one of an epoch is completed with padding.

    The number of batches is known only after a pass over all pairs, by `count()` or by
    an epoch. `as_keras_dataset` counts before the first epoch; `EndlessBatches` does
    not.

    Args:
        pairs: Pairs `(source, target)` that can be read repeatedly, such as a list
            or the result of `stream_tsv`, but not a generator.
        tokenizer: As for `Batches`.
        window: Integer. Pairs in memory. Defaults to 100000.
        sampling_alpha: Optional float in (0, 1]. If set, the segmentation of
            words is sampled in each epoch (see `SampledTokenizer`); it depends on
            `seed`, the epoch and the window. The number of batches then differs between
            epochs.
        **arguments: As for `Batches`.

    Attributes:
        epoch: Integer. As in `Batches`.
        num_batches: As in `Batches`, or `None` before the first complete pass, like
            `num_pairs`, `num_dropped` and `num_target_tokens`.

    Raises:
        ValueError: If an argument is out of range, `pairs` can be read only once, or
            no pair is left.

    Warns:
        UserWarning: At the first window with pairs that are dropped: blank, or longer
            than `max_length`.

    Example:

    >>> pairs = [("a cat sat", "고양이가 앉았다"), ("a dog ran", "개가 달렸다")]
    >>> tokenizer = Tokenizer.train(pairs, vocab_size=320)
    >>> batches = StreamedBatches(pairs, tokenizer, window=1)
    >>> [labels.shape[0] for inputs, labels, weights in batches], batches.num_batches
    ([1, 1], 2)
    """

    def __init__(
        self,
        pairs: Iterable[Pair],
        tokenizer: Tokenizer,
        window: int = 100_000,
        sampling_alpha: float | None = None,
        **arguments,
    ):
        check_at_least("window", window, 1)
        check_readable_again(pairs)
        self.window = window
        self._has_warned = False
        self._sampled = None
        if sampling_alpha is not None:
            self._sampled = SampledTokenizer(tokenizer, sampling_alpha)
        super().__init__(pairs, tokenizer, **arguments)

    def _read(self, pairs: Iterable[Pair]) -> None:
        self._pairs = pairs
        self.num_batches: int | None = None

    @property
    def differs_between_epochs(self) -> bool:
        """Whether the number of batches differs between epochs."""
        return self._sampled is not None

    def count(self) -> int:
        """The number of batches in an epoch; the first call may read all pairs.

        With `sampling_alpha`, returns the number of the last complete epoch.
        """
        if self.num_batches is None:
            for _ in self._windows(0):
                pass
        return self.num_batches  # pyright: ignore

    def updates(self, place: Place) -> Iterator[tuple[list[Batch], Place]]:
        """Yields the batches of each update of an epoch and the position after it.

        Pairs of the windows before the position are read, but not encoded.
        """
        epoch, num_updates, first, begin = place
        steps = self.gradient_accumulation_steps
        update, num_tokens, filler = [], 0, None
        for number, window in self._windows(epoch, first):
            plan = window.plan(*self._key(epoch, number))
            filler = window.filler()
            for index in range(begin if number == first else 0, window.num_batches):
                update.append(window.batch(plan, index))
                num_tokens += plan.tokens[index]
                place = Place(epoch, num_updates + 1, number, index + 1)
                if len(update) == steps:
                    yield _weighted(update, num_tokens), place
                    update, num_tokens, num_updates = [], 0, num_updates + 1
        if update:
            update += [filler] * (steps - len(update))
            yield _weighted(update, num_tokens), place

    def _tokenizer_of(self, epoch: int, window: int) -> Any:
        if self._sampled is None:
            return self._tokenizer
        return self._sampled.seeded(self.seed, epoch, window)

    def _windows(self, epoch: int, first: int = 0) -> Iterator[tuple[int, Window]]:
        """Yields the windows one by one; a whole pass stores the counts."""
        num_batches = num_pairs = num_dropped = num_tokens = 0
        # another epoch may have longer rows
        limits = BatchLimits(self.max_length if self._sampled else 0, 0, 0)
        remaining = islice(self._pairs, first * self.window, None)
        for number in itertools.count(first):
            chunk = islice(remaining, self.window)
            tokenizer = self._tokenizer_of(epoch, number)
            encoded = encode_pairs(chunk, tokenizer, self.max_length)
            if not encoded.num_pairs + encoded.num_dropped:
                break
            num_dropped += encoded.num_dropped
            self._warn_of_dropped(encoded, number)
            if encoded.num_pairs:
                window = self._cut(encoded)
                limits = BatchLimits(*map(max, limits, window.limits()))
                num_batches += window.num_batches
                num_pairs += encoded.num_pairs
                num_tokens += int(encoded.targets.lengths.sum())
                yield number, window
        if first:
            return
        if not num_pairs:
            raise ValueError(nothing_left(self.max_length, num_dropped))
        self.num_batches = self._filled_up(num_batches)
        self.num_pairs, self.num_dropped = num_pairs, num_dropped
        self.num_target_tokens, self.limits = num_tokens, limits

    def _warn_of_dropped(self, encoded: EncodedPairs, number: int) -> None:
        if self._has_warned or not encoded.num_dropped:
            return
        self._has_warned = True
        num_pairs = encoded.num_pairs + encoded.num_dropped
        warnings.warn(
            f"{encoded.num_dropped:,} of {num_pairs:,} pairs of window {number + 1} "
            f"are dropped: blank, or longer than max_length={self.max_length} tokens. "
            "Pairs of later windows are dropped without a warning.",
            stacklevel=2,
        )


def _weighted(update: list[Batch], num_tokens: int) -> list[Batch]:
    """Gives each real token the weight n / (real tokens of the update)."""
    weight = np.float32(len(update) / num_tokens)
    return [(inputs, labels, real * weight) for inputs, labels, real in update]
