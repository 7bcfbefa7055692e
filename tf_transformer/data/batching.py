"""Batches of like length with a fixed number of tokens."""

from collections.abc import Iterator, Sequence

import numpy as np

from tf_transformer.data.tokenizer import BOS_ID, PAD_ID

LENGTH_MULTIPLE = 8
_CHUNK = 10_000

Batch = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]


class Batches:
    """Encoded pairs, cut into batches of like length.

    An element is `({"source_ids", "target_ids"}, labels, weights)`: ids `(B, S)` and
    `(B, T)` int32, labels `(B, T)` int32, weights `(B, T)` float32. `target_ids` begin
    with the start token, `labels` end with the end token. Weights are n / (real
    target tokens of the whole update) on real tokens and 0 on padding, an update
    being n = `gradient_accumulation_steps` batches in a row.

    Pairs are sorted by length and cut so that rows times padded length stay within
    `batch_tokens` on both sides. Shuffling permutes pairs of equal length and the
    order of the batches, anew in each epoch, so that every epoch has the same number
    of batches. Too long pairs are left out whole, never cut.

    Args:
        pairs: (source, target) sentences.
        tokenizer: A `Tokenizer`.
        batch_tokens: Most tokens of a batch on each side, padding counted. Defaults
            to 2048.
        shuffle: Whether epochs differ in their order. Defaults to `False`.
        seed: Integer from which all orders follow.
        max_length: Most tokens of a sentence, start or end token counted. Defaults
            to 512.
        gradient_accumulation_steps: Batches of an update. Defaults to 1. The last
            update of an epoch is filled up with batches of padding.

    Attributes:
        epoch: Number of the current epoch, from 0. Iterating once over all batches
            advances it; set it to go on from an earlier run.
        num_pairs: Pairs kept.
        num_dropped: Pairs left out since a side is blank or too long.
        num_target_tokens: Real target tokens of an epoch.

    Raises:
        ValueError: If no pair is left.

    Shape letters: B batch, S source length, T target length.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[str, str]],
        tokenizer,
        batch_tokens: int = 2048,
        shuffle: bool = False,
        seed: int = 0,
        max_length: int = 512,
        gradient_accumulation_steps: int = 1,
    ):
        self.batch_tokens = batch_tokens
        self.shuffle = shuffle
        self.seed = seed
        self.max_length = max_length
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.epoch = 0
        self._planned_epoch = None
        self._sources, self._targets = _Rows(), _Rows()
        self.num_dropped = self._encode(pairs, tokenizer)
        self.num_pairs = len(self._sources)
        self.num_target_tokens = int(self._targets.lengths.sum())
        if not self.num_pairs:
            raise ValueError(
                "No pair is left to make batches of. Expected pairs with text on both "
                f"sides of at most max_length={max_length} tokens. Received: "
                f"{self.num_dropped} pairs, all of them blank or longer"
            )
        self._bounds = self._cut()

    def _encode(self, pairs, tokenizer) -> int:
        num_dropped = 0
        for start in range(0, len(pairs), _CHUNK):
            chunk = pairs[start : start + _CHUNK]
            sources = tokenizer.encode_source([source for source, _ in chunk])
            targets = tokenizer.encode_target([target for _, target in chunk])
            for source, target in zip(sources, targets, strict=True):
                lengths = len(source), len(target)
                if min(lengths) > 1 and max(lengths) <= self.max_length:
                    self._sources.append(source)
                    self._targets.append(target)
                else:
                    num_dropped += 1
        self._sources.close()
        self._targets.close()
        return num_dropped

    def _cut(self) -> list[tuple[int, int]]:
        """Where batches begin and end in the pairs sorted by length."""
        targets, sources = self._targets.lengths, self._sources.lengths
        order = np.lexsort((sources, targets))
        bounds, start, longest = [], 0, 0
        for i, pair in enumerate(order):
            longest_now = max(longest, targets[pair], sources[pair])
            rows = i - start + 1
            if rows > 1 and rows * self._padded(longest_now) > self.batch_tokens:
                bounds.append((start, i))
                start, longest_now = i, max(targets[pair], sources[pair])
            longest = longest_now
        return [*bounds, (start, len(order))]

    def _padded(self, length: int) -> int:
        rounded = -(-int(length) // LENGTH_MULTIPLE) * LENGTH_MULTIPLE
        return min(rounded, self.max_length)

    def __len__(self) -> int:
        n = self.gradient_accumulation_steps
        return -(-len(self._bounds) // n) * n

    def __iter__(self) -> Iterator[Batch]:
        for i in range(len(self)):
            yield self[i]
        self.epoch += 1

    def __getitem__(self, i: int) -> Batch:
        if not 0 <= i < len(self):
            raise IndexError(
                f"There are {len(self)} batches, from 0. Received: number {i}"
            )
        self._plan()
        n = self.gradient_accumulation_steps
        first = i - i % n
        num_tokens = self._batch_tokens[first : first + n].sum()
        rows = self._batch_rows[i] if i < len(self._batch_rows) else []
        return self._batch(rows, n / num_tokens)

    def _plan(self) -> None:
        """The current epoch's rows of each batch."""
        if self._planned_epoch == self.epoch:
            return
        targets, sources = self._targets.lengths, self._sources.lengths
        batch_order = np.arange(len(self._bounds))
        ties = np.arange(self.num_pairs)
        if self.shuffle:
            generator = np.random.default_rng((self.seed, self.epoch))
            ties = generator.permutation(self.num_pairs)
            batch_order = generator.permutation(len(self._bounds))
        order = np.lexsort((ties, sources, targets))
        bounds = [self._bounds[number] for number in batch_order]
        self._batch_rows = [order[start:end] for start, end in bounds]
        self._batch_tokens = np.array([targets[rows].sum() for rows in self._batch_rows])
        self._planned_epoch = self.epoch

    def _batch(self, rows: Sequence[int], weight: float) -> Batch:
        source_ids = self._filled(self._sources, rows)
        labels = self._filled(self._targets, rows)
        is_token = labels != PAD_ID
        target_ids = np.zeros_like(labels)
        target_ids[:, 0] = BOS_ID
        target_ids[:, 1:] = labels[:, :-1]
        target_ids[~is_token] = PAD_ID
        weights = is_token.astype("float32") * np.float32(weight)
        return {"source_ids": source_ids, "target_ids": target_ids}, labels, weights

    def _filled(self, side: "_Rows", rows: Sequence[int]) -> np.ndarray:
        longest = max((side.lengths[row] for row in rows), default=1)
        ids = np.full((max(len(rows), 1), self._padded(longest)), PAD_ID, dtype="int32")
        for line, row in zip(ids, rows, strict=False):
            line[: side.lengths[row]] = side[row]
        return ids


class _Rows:
    """Lists of ids in one array."""

    def __init__(self):
        self._ids, self._lengths = [], []

    def append(self, ids: Sequence[int]) -> None:
        self._ids.append(np.asarray(ids, dtype="int32"))
        self._lengths.append(len(ids))

    def close(self) -> None:
        self.lengths = np.array(self._lengths, dtype="int32")
        self._starts = np.concatenate([[0], np.cumsum(self.lengths, dtype="int64")])
        self._ids = np.concatenate([np.zeros(0, dtype="int32"), *self._ids])
        del self._lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: int) -> np.ndarray:
        return self._ids[self._starts[row] : self._starts[row + 1]]


def as_dataset(batches: Batches):
    """What `model.fit` takes on the current Keras backend.

    Args:
        batches: The batches.

    Returns:
        A `tf.data.Dataset` on TensorFlow, else a `keras.utils.PyDataset`; each has
        known cardinality and takes the next epoch's order each time it is iterated.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        from tf_transformer.data.tf_dataset import tf_dataset

        return tf_dataset(batches)
    from tf_transformer.data.py_dataset import BatchesPyDataset

    return BatchesPyDataset(batches)


def batches(pairs: Sequence[tuple[str, str]], tokenizer, **arguments):
    """Batches of like length for `model.fit`.

    Args:
        pairs: (source, target) sentences.
        tokenizer: A `Tokenizer`.
        **arguments: Further arguments of `Batches`: `batch_tokens`, `shuffle`, `seed`,
            `max_length`, `gradient_accumulation_steps`.

    Returns:
        See `as_dataset`.
    """
    return as_dataset(Batches(pairs, tokenizer, **arguments))
