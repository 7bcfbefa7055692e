"""The weights of another program's file, each used exactly once."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np


class ForeignWeights:
    """The weights of a file. Each weight is taken once, and all must be taken.

    Args:
        arrays: The weights by name.
        path: Their file, for messages.
        ignored: Names of entries that are not weights of the model.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], path, ignored: Iterable[str]):
        skipped = set(ignored)
        self._arrays = {n: a for n, a in arrays.items() if n not in skipped}
        self._path = path

    def __len__(self) -> int:
        return len(self._arrays)

    def check(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Returns a weight after a check of its shape; axes of size 1 are ignored.

        Raises:
            ValueError: If it does not exist, or has another shape.
        """
        if name not in self._arrays:
            raise self._error(f"the weight {name}", "none of this name")
        array = self._arrays[name]
        sizes = [[size for size in s if size != 1] for s in (array.shape, shape)]
        if sizes[0] != sizes[1]:
            raise self._error(f"{name} of shape {tuple(shape)}", array.shape)
        return array

    def take(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Removes a weight from this object and returns it in this shape.

        Raises:
            ValueError: If `check` raises one, or if the weight is not finite.
        """
        array = self.check(name, shape)
        del self._arrays[name]
        if not np.all(np.isfinite(array)):
            raise self._error(f"finite numbers in {name}", "others")
        return array.reshape(shape)

    def take_tied(self, names: Sequence[str], shape: tuple[int, ...]) -> np.ndarray:
        """Takes a weight that may have several names in a file.

        Raises:
            ValueError: If the file has none of the names, or the weights differ.
        """
        present = self.present(names)
        first, *others = (self.take(name, shape) for name in present)
        for name, array in zip(present[1:], others, strict=True):
            if not np.array_equal(array, first):
                raise self._error(f"{name} equal to {present[0]}", "another matrix")
        return first

    def present(self, names: Sequence[str]) -> Sequence[str]:
        """Returns the names that the file has, or the first name if it has none."""
        return [name for name in names if name in self._arrays] or names[:1]

    def check_all_taken(self) -> None:
        """Checks that all weights were taken.

        Raises:
            ValueError: If some were not taken.
        """
        if self._arrays:
            left = sorted(self._arrays)
            raise self._error(
                "the weights of a Transformer with these settings only",
                f"{len(left)} more: {', '.join(left[:5])}",
            )

    def _error(self, expected, received) -> ValueError:
        return ValueError(
            f"{self._path} does not contain the model's weights. Expected {expected}. "
            f"Received: {received}"
        )


def variable_at(model, path: str):
    """Returns the variable at a path such as `"encoder.blocks.0.x.kernel"`."""
    value = model
    for name in path.split("."):
        value = value[int(name)] if name.isdecimal() else getattr(value, name)
    return value
