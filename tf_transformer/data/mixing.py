"""Interleaves several training files evenly."""

import heapq
from collections.abc import Iterable, Iterator, Sequence

from tf_transformer.data.batching import check_at_least
from tf_transformer.data.corpus import Pair, check_readable_again


class Mixture:
    """Pairs of several sources, evenly interleaved; some sources may be repeated.

    Each part of a pass, and so each window of `StreamedBatches`, contains the sources
    in the same proportion. The order is always the same. Nothing is kept in memory:
    each source is read once for counting, and then as often as its weight.

    Args:
        sources: Lists or streams of pairs (source, target), not generators.
        weights: For each source, the integer number of times that a pass contains its
            pairs. Defaults to 1.

    Raises:
        ValueError: If a source can be read only once, or the weights are not an
            integer of at least 1 for each source.

    Example:

    >>> mixture = Mixture([[("a", "A"), ("b", "B")], [("c", "C")]], weights=[1, 2])
    >>> [source for source, _ in mixture]
    ['a', 'c', 'b', 'c']
    """

    def __init__(
        self,
        sources: Sequence[Iterable[Pair]],
        weights: Sequence[int] | None = None,
    ):
        for source in sources:
            check_readable_again(source)
        self.sources = sources
        self.weights = [1] * len(sources) if weights is None else list(weights)
        if len(self.weights) != len(sources):
            raise ValueError(
                f"Each source has a weight. Expected {len(sources)} weights. "
                f"Received: weights={weights!r}"
            )
        for weight in self.weights:
            check_at_least("weight", weight, 1)
        self._sizes: list[int] | None = None

    def __iter__(self) -> Iterator[Pair]:
        if len(self.sources) == 1 and self.weights == [1]:
            yield from self.sources[0]
            return
        if self._sizes is None:
            self._sizes = [sum(1 for _ in source) for source in self.sources]
        for _, _, pair in heapq.merge(
            *map(self._placed, range(len(self.sources))), key=lambda item: item[:2]
        ):
            yield pair

    def _placed(self, index: int) -> Iterator[tuple[float, int, Pair]]:
        """Yields the pairs of a source, each with a position between 0 and 1."""
        weight, size = self.weights[index], self._sizes[index]
        place = 0.5
        for _ in range(weight):
            for pair in self.sources[index]:
                yield place / (weight * size), index, pair
                place += 1
