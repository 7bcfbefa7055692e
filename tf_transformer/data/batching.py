"""Batches of pairs of similar length, limited by tokens (section 5.1)."""

import abc
import numbers
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tf_transformer.data.corpus import Pair
from tf_transformer.data.encoding import EncodedPairs, encode_pairs
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.data.window import (
    Batch,
    BatchLimits,
    BatchPlan,
    Window,
    static_shapes,
)


class Place(NamedTuple):
    """A position in the data, between two updates.

    Attributes:
        epoch: Integer. The epoch.
        update: Integer. Number of updates of the epoch before this position.
        window: Integer. In a stream, the window of the last batch before it.
        batch: Integer. In a stream, the number of batches of this window before it.
    """

    epoch: int = 0
    update: int = 0
    window: int = 0
    batch: int = 0


class EpochBatches(abc.ABC):
    """Base class of `Batches` and `StreamedBatches`.

    `elements(epoch)` yields the batches of an epoch in order, and `count()` returns
    their number. `updates(place)` yields the batches of each update, from a position
    in the data. Iterating yields the batches of the epoch in the attribute `epoch` and
    does not change it; `fit` adds 1 after each epoch.

    Args:
        pairs: Pairs `(source, target)`.
        tokenizer: `Tokenizer`, or an object with the same methods.
        batch_tokens, shuffle, seed, max_length, gradient_accumulation_steps,
            static_shapes: See `Batches`.
    """

    epoch: int = 0
    differs_between_epochs = False
    num_batches: int | None = None
    num_pairs: int | None = None
    num_dropped: int | None = None
    num_target_tokens: int | None = None
    limits: BatchLimits | None = None

    def __init__(
        self,
        pairs: Iterable[Pair],
        tokenizer: Tokenizer,
        batch_tokens: int = 2048,
        shuffle: bool = False,
        seed: int = 0,
        max_length: int = 512,
        gradient_accumulation_steps: int = 1,
        static_shapes: bool = False,
    ):
        check_at_least("batch_tokens", batch_tokens, 1)
        check_at_least("seed", seed, 0)
        check_at_least("max_length", max_length, 2)
        check_at_least("gradient_accumulation_steps", gradient_accumulation_steps, 1)
        self.batch_tokens = batch_tokens
        self.shuffle = shuffle
        self.seed = seed
        self.max_length = max_length
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.static_shapes = static_shapes
        self._tokenizer = tokenizer
        self._read(pairs)

    @abc.abstractmethod
    def _read(self, pairs: Iterable[Pair]) -> None:
        """Reads the pairs, or stores their source."""

    @abc.abstractmethod
    def count(self) -> int:
        """The number of batches in an epoch."""

    @abc.abstractmethod
    def updates(self, place: Place) -> Iterator[tuple[list[Batch], Place]]:
        """Yields the batches of each update of an epoch and the position after it.

        Args:
            place: Where to begin: `Place(epoch)`, or a `Place` that was yielded.
        """

    def elements(self, epoch: int) -> Iterator[Batch]:
        """Yields the batches of the epoch `epoch` in order."""
        for batches, _ in self.updates(Place(epoch)):
            yield from batches

    def __iter__(self) -> Iterator[Batch]:
        return self.elements(self.epoch)

    def check_model(self, model) -> None:
        """Checks that a model can read every batch.

        Args:
            model: A `SequenceModel`.

        Raises:
            ValueError: If a batch is longer than the model's `max_length` or has an
                id outside its vocabularies.
        """
        self.count()  # a stream knows its limits after a pass
        target_vocab_size = model.target_vocab_size or model.vocab_size
        for name, received, size in (
            ("max_length", self.limits.length, model.max_length),
            ("vocab_size", self.limits.source_id + 1, model.vocab_size),
            ("target_vocab_size", self.limits.target_id + 1, target_vocab_size),
        ):
            if received > size:
                raise ValueError(
                    f"The model cannot read these batches. Expected {name} of the "
                    f"model to be at least {received}. Received: {name}={size}"
                )

    def _cut(self, encoded: EncodedPairs) -> Window:
        shapes = None
        if self.static_shapes:
            shapes = static_shapes(self.max_length, self.batch_tokens)
        return Window(encoded, self.batch_tokens, shapes)

    def _filled_up(self, num_batches: int) -> int:
        """The number of batches, rounded up to whole updates."""
        steps = self.gradient_accumulation_steps
        return -(-num_batches // steps) * steps

    def _key(self, *place: int) -> tuple[int, ...]:
        """The integers that seed the order; none without shuffling."""
        return (self.seed, *place) if self.shuffle else ()


class Batches(EpochBatches):
    """Cuts encoded pairs into padded batches, in a new order for each epoch.

    "Sentence pairs were batched together by approximate sequence length" (section
    5.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762)). Pairs
    are sorted by length and cut so that `B * S` and `B * T` are at most
    `batch_tokens`, where S and T are the longest lengths in the
    batch.

    An element is `({"source_ids", "target_ids"}, labels, weights)`: `source_ids`
    `(B, S)` int32, `target_ids` `(B, T)` int32 = begin token and tokens, `labels`
    `(B, T)` int32 = tokens and end token, `weights` `(B, T)` float32. Padding is 0.

    An update is `gradient_accumulation_steps` = n batches in a row. The weight of a
    real target token is n / (number of real target tokens of its update), because
    Keras averages the n gradients: the update is then the gradient of the mean over
    its tokens. Batches of padding complete the last update.

    Shuffling permutes pairs whose longer sides are equally long, and the batches. The
    number of batches, their rows and their longer sides are therefore the same in
    every epoch.

    With `static_shapes` every batch has one of at most 12 shapes, S = T, which depend
    on `max_length` and `batch_tokens` only. Use it for compilers that compile once per
    shape, as on JAX. Rows of padding complete the last batch of each shape, and pairs
    of one shape are permuted freely.

    Args:
        pairs: Pairs `(source, target)`. Read once and kept in memory as ids; see
            `StreamedBatches` for pairs that do not fit in memory.
        tokenizer: `Tokenizer`, or an object with the same `encode_source` and
            `encode_target`: list of strings to list of lists of ids, end token last.
        batch_tokens: Integer. Maximum number of tokens on one side of a batch, padding
            included. A longer pair becomes a separate batch. Defaults to 2048.
        shuffle: Whether the order differs between epochs. Defaults to `False`.
        seed: Integer. Seed and epoch determine the order. Defaults to 0.
        max_length: Integer. Maximum number of tokens in a sentence, end token included.
            Pairs with a longer side are dropped, not truncated. Defaults to 512.
        gradient_accumulation_steps: Integer n, as in the optimizer. Defaults to 1.
        static_shapes: Whether there are at most 12 shapes. Defaults to `False`.

    Attributes:
        epoch: Integer. The epoch whose batches iterating yields. Set it to resume;
            `fit` adds 1 at the end of each of its epochs.
        num_batches: Integer. Batches in an epoch.
        num_pairs: Integer. Pairs in an epoch.
        num_dropped: Integer. Dropped pairs: longer than `max_length`, or blank.
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

    def _read(self, pairs: Iterable[Pair]) -> None:
        encoded = encode_pairs(pairs, self._tokenizer, self.max_length)
        self.num_dropped = encoded.num_dropped
        self.num_pairs = encoded.num_pairs
        self.num_target_tokens = int(encoded.targets.lengths.sum())
        if not self.num_pairs:
            raise ValueError(nothing_left(self.max_length, self.num_dropped))
        self._window = self._cut(encoded)
        self.limits = self._window.limits()
        self.num_batches = self._filled_up(self._window.num_batches)
        self._plan = lru_cache(maxsize=2)(self._make_plan)

    def __len__(self) -> int:
        return self.num_batches  # pyright: ignore[reportReturnType]

    def __getitem__(self, index: int) -> Batch:
        return self.batch_at(self.epoch, index)

    def count(self) -> int:
        """The number of batches in an epoch."""
        return self.num_batches  # pyright: ignore[reportReturnType]

    def updates(self, place: Place) -> Iterator[tuple[list[Batch], Place]]:
        """Yields the batches of each update of an epoch and the position after it."""
        steps = self.gradient_accumulation_steps
        for update in range(place.update, self.count() // steps):
            indices = range(update * steps, (update + 1) * steps)
            batches = [self.batch_at(place.epoch, index) for index in indices]
            yield batches, Place(place.epoch, update + 1)

    def batch_at(self, epoch: int, index: int) -> Batch:
        """Makes the element `index` of the epoch `epoch`.

        Raises an `IndexError` if the epoch has no such batch.
        """
        if not 0 <= index < self.num_batches:  # pyright: ignore[reportOperatorIssue]
            raise IndexError(
                f"There is no such batch. Expected 0 <= index < {self.num_batches}. "
                f"Received: index={index}."
            )
        if index >= self._window.num_batches:
            return self._window.filler()
        plan, weights = self._plan(epoch)
        inputs, labels, real = self._window.batch(plan, index)
        # n / (real tokens of the update): (B, T)
        real *= weights[index // self.gradient_accumulation_steps]
        return inputs, labels, real

    def _make_plan(self, epoch: int) -> tuple[BatchPlan, np.ndarray]:
        """Shuffles the batches of an epoch; also returns the weights of its updates."""
        plan = self._window.plan(*self._key(epoch))
        steps = self.gradient_accumulation_steps
        starts = np.arange(0, len(plan.tokens), steps)
        weights = steps / np.add.reduceat(plan.tokens, starts)
        return plan, weights.astype("float32")


def check_at_least(name: str, value: int, least: int) -> None:
    """Raises a `ValueError` if `value` is no integer or less than `least`."""
    if not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(
            f"{name} cannot be used. Expected an integer of at least {least}. "
            f"Received: {name}={value!r}."
        )


def nothing_left(max_length: int, num_dropped: int) -> str:
    """Returns the error message for data without a pair."""
    return (
        f"There are no pairs to batch. Expected at least one pair "
        f"with two sides of 1 to {max_length - 1} tokens. "
        f"Received: {num_dropped} pairs, all too long or blank."
    )
