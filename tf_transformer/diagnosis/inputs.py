"""Example inputs of a model, and the changes that checks make to them."""

import dataclasses
import os
from typing import Any

import keras
import numpy as np

MIN_LENGTH = 3
MAX_ROWS = 4


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Arrays by name, in the structure that the model takes.

    A sequence is an input `(B, L)` of ids or `(B, L, F)` of features. An input that is
    boolean or has "mask" in its name is a mask, and changes with its sequence. Other
    inputs stay unchanged.

    Args:
        arrays: Dictionary from names to arrays with the same first axis.
        structure: Dictionary, list or tuple of names, or one name.
        pad_id: Id of padding, or value of padded features; `None` without padding.
        fixed_rows: Whether the model takes this number of rows only.
        aligned: Whether inputs of one length describe the same tokens, such as ids
            and segments: their lengths change together.
    """

    arrays: dict[str, np.ndarray]
    structure: Any
    pad_id: float | None
    fixed_rows: bool = False
    aligned: bool = False

    @classmethod
    def of(cls, inputs, pad_id, fixed_rows=False) -> "Inputs":
        """Makes `Inputs` from the argument of `doctor`.

        Args:
            inputs: Array, or a flat dictionary, list or tuple of arrays.
            pad_id: See `Inputs`.
            fixed_rows: See `Inputs`. Defaults to `False`.

        Returns:
            The inputs: two to four rows, the rows with the most real tokens first; all
            rows, unchanged, if their number is fixed.

        Raises:
            ValueError: If there is no sequence, an empty input, or fewer than two
                different ids.
        """
        if isinstance(inputs, dict):
            structure, values = {name: name for name in inputs}, inputs
        elif isinstance(inputs, list | tuple):
            names = [str(i) for i in range(len(inputs))]
            structure = type(inputs)(names)
            values = dict(zip(names, inputs, strict=True))
        else:
            structure, values = "inputs", {"inputs": inputs}
        arrays = {
            os.fspath(name): np.asarray(keras.ops.convert_to_numpy(value))
            for name, value in values.items()
        }
        example = cls(arrays, structure, pad_id, fixed_rows)
        received = {n: _described(x, arrays[os.fspath(n)]) for n, x in values.items()}
        example._check(f"Received: {received}")
        if fixed_rows:
            return example
        if example.num_rows == 1:
            return example._with_second_row()
        counts = sum(example.real(name).sum(axis=1) for name in example.sequences())
        return example.rows(np.argsort(-counts, kind="stable")[:MAX_ROWS])

    def _check(self, received: str) -> None:
        if len({array.shape[:1] for array in self.arrays.values()}) != 1:
            raise ValueError(f"Inputs must have the same number of rows. {received}")
        if any(array.size == 0 for array in self.arrays.values()):
            raise ValueError(f"Inputs must not be empty. {received}")
        tracks = self._tracks()
        if not tracks:
            raise ValueError(
                "Expected at least one input (B, L) of integer ids or (B, L, F) of "
                f"features, with L of at least {MIN_LENGTH}. {received}"
            )
        if not self.sequences():
            kinds = {name: np.unique(self.arrays[name]).tolist() for name in tracks}
            raise ValueError(
                "Expected at least two different ids besides padding, so that one "
                f"can be replaced by another. Received: inputs with the ids {kinds}"
            )

    def _with_second_row(self) -> "Inputs":
        doubled = self.rows([0, 0])
        for name in self.sequences():
            for position in np.flatnonzero(self.real(name)[0]):
                doubled = doubled.with_other_token(name, 1, int(position))
        return doubled

    @property
    def num_rows(self) -> int:
        """Number of rows B."""
        return len(next(iter(self.arrays.values())))

    def nested(self):
        """The arrays in the structure that the model takes."""
        return keras.tree.map_structure(lambda name: self.arrays[name], self.structure)

    def sequences(self) -> list[str]:
        """Names of the sequences whose tokens can be changed."""
        return [
            name
            for name in self._tracks()
            if self.arrays[name].ndim == 3 or len(self._ids(name)) > 1
        ]

    def sequences_by_length(self) -> list[list[str]]:
        """Names of the sequences whose lengths change together."""
        groups = {}
        for name in self.sequences():
            key = self.length(name) if self.aligned else name
            groups.setdefault(key, []).append(name)
        return list(groups.values())

    def _tracks(self) -> list[str]:
        return [
            name
            for name, array in self.arrays.items()
            if not _is_mask(name, array)
            and (
                (array.ndim == 2 and np.issubdtype(array.dtype, np.integer))
                or (array.ndim == 3 and np.issubdtype(array.dtype, np.number))
            )
            and array.shape[1] >= MIN_LENGTH
        ]

    def length(self, name: str) -> int:
        """Number of positions L of a sequence."""
        return self.arrays[name].shape[1]

    def real(self, name: str) -> np.ndarray:
        """Bool array `(B, L)`: `True` where a sequence is not padding."""
        masks = [mask for mask in self._masks(name) if self.arrays[mask].ndim == 2]
        if masks:
            return self.arrays[masks[0]].astype(bool)
        if self.pad_id is None:
            return np.ones(self.arrays[name].shape[:2], bool)
        is_pad = [
            array if array.ndim == 2 else array.all(axis=-1)
            for array in (self.arrays[n] == self.pad_id for n in self._with(name))
        ]
        return ~np.logical_and.reduce(is_pad)

    def _with(self, name) -> list[str]:
        """The inputs whose length changes with that of a sequence, and itself."""
        if not self.aligned:
            return [name]
        length = self.length(name)
        return [other for other in self._tracks() if self.length(other) == length]

    def _ids(self, name) -> np.ndarray:
        ids = np.unique(self.arrays[name])
        return ids if self.pad_id is None else ids[ids != self.pad_id]

    def _masks(self, name) -> list[str]:
        """Masks of a sequence: masks of its length with the most similar name."""
        masks = [
            other
            for other, array in self.arrays.items()
            if _is_mask(other, array)
            and array.ndim >= 2
            and array.shape[-1] == self.length(name)
        ]
        return [m for m in masks if self._owner(m) in self._with(name)]

    def _owner(self, mask) -> str:
        length = self.arrays[mask].shape[-1]
        candidates = [s for s in self.sequences() if self.length(s) == length]
        return max(candidates, key=lambda s: len(os.path.commonprefix([s, mask])))

    def rows(self, indices) -> "Inputs":
        """Returns these rows only."""
        return self._replace({n: array[indices] for n, array in self.arrays.items()})

    def and_rows(self, others: "list[Inputs]") -> "Inputs":
        """Returns the rows of these inputs, followed by the rows of others."""
        return self._replace(
            {
                name: np.concatenate([array, *(o.arrays[name] for o in others)])
                for name, array in self.arrays.items()
            }
        )

    def with_other_token(self, name: str, row: int, position: int) -> "Inputs":
        """Replaces the token, or the features, at one position of a row."""
        array = self.arrays[name].copy()
        old = array[row, position]
        if array.ndim == 2:
            ids = self._ids(name)
            place = np.searchsorted(ids, old)
            array[row, position] = ids[(place + 1 + position) % len(ids)]
            if array[row, position] == old:
                array[row, position] = ids[(place + 1) % len(ids)]
        else:
            noise = np.random.default_rng(position).normal(size=old.shape)
            scale = array.std() or 1.0
            array[row, position] = (old + scale * (1 + noise)).astype(array.dtype)
        return self._replace({name: array})

    def cut(self, name: str, length: int) -> "Inputs":
        """Cuts a sequence to its first `length` positions."""
        return self._for_sequence(name, lambda x, axis: x.take(range(length), axis))

    def padded(self, name: str, count: int) -> "Inputs":
        """Adds `count` positions of padding at the end of a sequence."""

        def pad(array, axis):
            widths = [(0, count if i == axis else 0) for i in range(array.ndim)]
            return np.pad(array, widths, constant_values=self._padding(array))

        return self._for_sequence(name, pad)

    def _padding(self, array) -> float:
        if array.dtype == bool or self.pad_id is None:
            return 0
        return self.pad_id

    @property
    def has_padding(self) -> bool:
        """Whether inputs can be padded."""
        return self.pad_id is not None

    def _for_sequence(self, name, change) -> "Inputs":
        masks = {m: change_mask(self.arrays[m], change) for m in self._masks(name)}
        tracks = {n: change(self.arrays[n], 1) for n in self._with(name)}
        return self._replace({**tracks, **masks})

    def with_padding_at_end(self, name: str, count: int) -> "Inputs":
        """Replaces the last `count` positions of a sequence with padding."""
        length = self.length(name) - count
        return self.cut(name, length).padded(name, count)

    def with_row_of_padding(self) -> "Inputs":
        """Adds a row of padding, or replaces the last row with it."""
        more, tracks = {}, self._tracks()
        for name, array in self.arrays.items():
            row = array[-1:].copy()
            if name in tracks:
                row[:] = self.pad_id
            elif _is_mask(name, array):
                row[:] = 0
            kept = array[:-1] if self.fixed_rows else array
            more[name] = np.concatenate([kept, row])
        return self._replace(more)

    def without_padding(self) -> "Inputs":
        """Replaces padding by real tokens."""
        changed = self
        for name in self.sequences():
            array, real = changed.arrays[name].copy(), self.real(name)
            if not real.any():
                continue
            array[~real] = array[real][np.arange((~real).sum()) % real.sum()]
            masks = {m: np.ones_like(self.arrays[m]) for m in self._masks(name)}
            changed = changed._replace({name: array, **masks})
        return changed

    def _replace(self, arrays) -> "Inputs":
        return dataclasses.replace(self, arrays={**self.arrays, **arrays})


def change_mask(mask, change):
    """Applies `change(array, axis)` to the axes of a mask that are positions."""
    axes = [i for i in range(1, mask.ndim) if mask.shape[i] == mask.shape[-1]]
    for axis in axes:
        mask = change(mask, axis)
    return mask


def _is_mask(name, array) -> bool:
    return array.dtype == bool or "mask" in name.lower()


def _described(value, array) -> str:
    """The dtype and the shape of an array, or the type of another value."""
    if array.dtype == object:
        return type(value).__name__
    return f"{array.dtype} {array.shape}"
