"""Several training files, evenly interleaved."""

import heapq
from collections.abc import Iterable, Iterator, Sequence

from tf_transformer.data.corpus import Pair


class Mixture:
    """Pairs of several sources, evenly interleaved; some sources may be repeated.

    Each part of a pass contains the sources in the same proportion, so that this holds
    for each window of `StreamedBatches`. The order is always the same. Nothing is kept
    in memory: each source is read once to count it, and then as often as its weight
    says.

    Args:
        sources: Lists or streams of pairs (source, target).
        weights: For each source, how often a pass contains its pairs. Defaults to
            once.

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
        self.sources = sources
        self.weights = list(weights or [1] * len(sources))
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
        """The pairs of a source, with a position between 0 and 1 that orders them."""
        weight, size = self.weights[index], self._sizes[index]
        place = 0.5
        for _ in range(weight):
            for pair in self.sources[index]:
                yield place / (weight * size), index, pair
                place += 1
