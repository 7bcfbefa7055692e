"""Checks that the data files of a run have not changed since it began."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tf_transformer.data.corpus import Pair
from tf_transformer.runs.data_checks import FILES
from tf_transformer.utils.checksum import fingerprint


def training_files(config) -> list[str]:
    """The files of training pairs that a resolved config names."""
    return _files(config, ("data", "train_source", "train_target"))


def _files(config, names) -> list[str]:
    files = []
    for name in names:
        value = getattr(config, name)
        if isinstance(value, tuple):
            files.extend(value)
        elif value is not None and (name != "data" or os.path.exists(value)):
            files.append(value)
    return files


def fingerprints(config) -> dict[str, str]:
    """A fingerprint of each file of pairs; missing files are omitted."""
    files = _files(config, ("data", *FILES))
    return {path: fingerprint(path) for path in files if os.path.isfile(path)}


def check_unchanged(expected: dict[str, str], actual: dict[str, str], folder) -> None:
    """Checks fingerprints against the fingerprints at the beginning of the run.

    Raises:
        ValueError: If files have changed or are missing; the message names them.
    """
    changed = [path for path, value in expected.items() if actual.get(path) != value]
    if changed:
        raise ValueError(
            f"{folder} was trained on other data. Expected the files as they were when "
            "the run began, or another folder. Received: changed or gone "
            f"{', '.join(changed)}"
        )


class UnchangedPairs:
    """Pairs of files that must stay the same while a training reads them.

    Args:
        pairs: A stream of pairs.
        paths: The files from which it reads.

    Raises:
        ValueError: In an iteration, if a file has changed or is missing.
    """

    def __init__(self, pairs, paths: Sequence[str | os.PathLike]):
        self.pairs = pairs
        self.paths = paths
        self._expected = self._states()

    def __iter__(self) -> Iterator[Pair]:
        self._check()
        yield from self.pairs
        self._check()

    def _states(self) -> list[tuple[int, int] | None]:
        states = []
        for path in map(Path, self.paths):
            status = path.stat() if path.exists() else None
            states.append(status and (status.st_size, status.st_mtime_ns))
        return states

    def _check(self):
        states = zip(self.paths, self._expected, self._states(), strict=True)
        for path, expected, actual in states:
            if actual != expected:
                received = "a file that is gone" if actual is None else "a changed file"
                raise ValueError(
                    "The data changed during training. Expected the file as it was at "
                    f"the beginning. Received: {received}, {path}"
                )
