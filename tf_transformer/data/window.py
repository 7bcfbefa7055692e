"""A window of encoded pairs, sorted by length and cut into batches."""

from typing import NamedTuple

import numpy as np

from tf_transformer.data.encoding import EncodedPairs
from tf_transformer.data.shift import shift_right
from tf_transformer.ids import PAD_ID

MAX_SHAPES = 12
_ROWS_OF = 8  # lengths and numbers of rows are multiples of it if possible

Batch = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]


class BatchPlan(NamedTuple):
    """The batches of an epoch: pairs in order, ends, shapes and real target tokens."""

    order: np.ndarray
    bounds: np.ndarray
    shapes: np.ndarray | None
    tokens: np.ndarray


class BatchLimits(NamedTuple):
    """The longest row and the largest ids that a model must be able to read."""

    length: int
    source_id: int
    target_id: int


class Window:
    """Sorts pairs by length and cuts them into batches of at most `batch_tokens`.

    Args:
        pairs: `EncodedPairs`, at least one.
        batch_tokens: Integer. Maximum number of tokens on one side, padding included.
        shapes: Optional list of (rows, length) in ascending order of length. Every
            batch then has one of these shapes. By default a batch is as long as its
            longest sentence.

    Attributes:
        num_batches: Integer.
    """

    def __init__(
        self,
        pairs: EncodedPairs,
        batch_tokens: int,
        shapes: list[tuple[int, int]] | None = None,
    ):
        self.pairs = pairs
        self._sorted, self._groups = self._sort()
        self._shapes = None
        if shapes is None:
            self._starts = self._cut(batch_tokens)
        else:
            self._starts = self._cut_to_shapes(np.array(shapes))
        self.num_batches = len(self._starts)

    def limits(self) -> BatchLimits:
        """The longest row of a batch, padding included, and the largest ids."""
        length = int(self._pair_lengths().max())
        if self._shapes is not None:
            length = int(self._shapes[:, 1].max())
        sides = self.pairs.sources, self.pairs.targets
        return BatchLimits(length, *(int(side.ids.max()) for side in sides))

    def plan(self, *key: int) -> BatchPlan:
        """Shuffles the pairs and the batches; without a key, they remain sorted.

        Args:
            *key: Integers that seed the order, which depends on nothing else.
        """
        num_pairs = self.pairs.num_pairs
        bounds = np.stack([self._starts, np.append(self._starts[1:], num_pairs)], 1)
        order, batch_order = self._sorted, np.arange(self.num_batches)
        if key:
            generator = np.random.default_rng(key)
            order = order[np.lexsort((generator.random(num_pairs), self._groups))]
            batch_order = generator.permutation(self.num_batches)
        tokens = np.add.reduceat(self.pairs.targets.lengths[order], self._starts)
        shapes = None if self._shapes is None else self._shapes[batch_order]
        return BatchPlan(order, bounds[batch_order], shapes, tokens[batch_order])

    def batch(self, plan: BatchPlan, index: int) -> Batch:
        """Makes the batch `index` of a plan; real target tokens have the weight 1."""
        start, end = plan.bounds[index]
        rows = plan.order[start:end]
        shape = None if plan.shapes is None else tuple(plan.shapes[index])
        source_ids = self.pairs.sources.padded(rows, shape)
        labels = self.pairs.targets.padded(rows, shape)
        real = labels != PAD_ID
        inputs = {"source_ids": source_ids, "target_ids": shift_right(labels)}
        return inputs, labels, real.astype(np.float32)

    def filler(self) -> Batch:
        """A batch of padding, as small as the shapes allow."""
        shape = (1, 1)
        if self._shapes is not None:
            shape = min(map(tuple, self._shapes), key=np.prod)
        ids = np.full(shape, PAD_ID, np.int32)
        inputs = {"source_ids": ids, "target_ids": ids}
        return inputs, ids, np.zeros(shape, np.float32)

    def _sort(self) -> tuple[np.ndarray, np.ndarray]:
        """Sorts pairs by their longer side; shorter sides alternately rise and fall.

        Returns the pairs in order, and for each position its group: the pairs whose
        longer sides are equally long. They may change places without making a batch
        longer.
        """
        lengths = self.pairs.sources.lengths, self.pairs.targets.lengths
        shorter, longer = np.minimum(*lengths), np.maximum(*lengths)
        upwards = np.where(longer % 2 == 1, shorter, -shorter)
        order = np.lexsort((upwards, longer))
        return order, longer[order]

    def _pair_lengths(self) -> np.ndarray:
        """The length of each pair's longer side, in the sorted order."""
        source, target = self.pairs.sources.lengths, self.pairs.targets.lengths
        return np.maximum(source, target)[self._sorted]

    def _cut(self, batch_tokens: int) -> np.ndarray:
        """Cuts the sorted pairs greedily; returns the first position of each batch."""
        starts, longest = [0], 0
        for row, length in enumerate(self._pair_lengths().tolist()):
            longest = max(longest, length)
            num_rows = row - starts[-1] + 1
            if num_rows > 1 and num_rows * longest > batch_tokens:
                starts.append(row)
                longest = length
        return np.array(starts)

    def _cut_to_shapes(self, shapes: np.ndarray) -> np.ndarray:
        """Assigns each pair to the shortest shape that fits it.

        Sorts the pairs by shape; all pairs of a shape form one group, within which they
        are shuffled. Returns the first position of each batch.
        """
        shape_indices = np.searchsorted(shapes[:, 1], self._pair_lengths())
        by_shape = np.argsort(shape_indices, kind="stable")
        self._sorted, self._groups = self._sorted[by_shape], shape_indices[by_shape]
        used, firsts, counts = np.unique(
            self._groups, return_index=True, return_counts=True
        )
        starts = [
            np.arange(first, first + count, shapes[shape, 0])
            for shape, first, count in zip(used, firsts, counts, strict=True)
        ]
        starts = np.concatenate(starts)
        self._shapes = shapes[self._groups[starts]]
        return starts


def static_shapes(max_length: int, batch_tokens: int) -> list[tuple[int, int]]:
    """Returns at most `MAX_SHAPES` shapes (rows, length) that fit every sentence.

    Lengths are multiples of 8 in steps of a fixed ratio, except the last one, which is
    `max_length`. Rows times length is at most `batch_tokens`, unless a single row is
    longer; the number of rows is a multiple of 8 if 8 rows fit. The shapes do not
    depend on the data, so that training and validation share them.

    Args:
        max_length: Integer. Maximum number of tokens in a sentence.
        batch_tokens: Integer. Maximum number of tokens on one side of a batch.

    Example:

    >>> static_shapes(max_length=40, batch_tokens=400)
    [(48, 8), (24, 16), (16, 24), (8, 32), (8, 40)]
    """
    ratio = 1.0
    while True:
        lengths = [min(_ROWS_OF, max_length)]
        while lengths[-1] < max_length:
            least = max(lengths[-1] + 1, int(np.ceil(lengths[-1] * ratio)))
            lengths.append(min(-(-least // _ROWS_OF) * _ROWS_OF, max_length))
        if len(lengths) <= MAX_SHAPES:
            break
        ratio += 0.05
    shapes = []
    for length in lengths:
        rows = max(1, batch_tokens // length)
        shapes.append((rows - rows % _ROWS_OF if rows >= _ROWS_OF else rows, length))
    return shapes
