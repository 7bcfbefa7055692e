"""What a fuzzer tries, and what may happen then."""

import atexit
import dataclasses
import functools
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

MAX_SECONDS = 2.0  # of CPU for an input
MAX_LENGTH = 4096
# the message of an error names the file
IN_FOLDER = ("Received: ", "-fuzzing")


class Finding(Exception):
    """An input did something that no input may do."""


@dataclasses.dataclass(frozen=True)
class Target:
    """A reader and valid inputs from which hostile ones are made.

    Args:
        name: The name on the command line.
        read: Function that reads an input. Its own checks raise `Finding`.
        seeds: Function without arguments that makes valid inputs.
        errors: Errors that a wrong input may raise.
        in_error: Text that each message must contain, such as the file's folder.
        max_length: Most bytes of an input. By default the longest seed's and a
            quarter more, or `MAX_LENGTH` if that is more.
        is_slow: Whether an input takes over 5 ms.
    """

    name: str
    read: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]
    errors: tuple[type[Exception], ...] = (ValueError,)
    in_error: tuple[str, ...] = ("Received: ",)
    max_length: int = 0
    is_slow: bool = False

    def longest(self) -> int:
        """Most bytes of an input."""
        longest = max(map(len, self.seeds()))
        return self.max_length or max(MAX_LENGTH, longest * 5 // 4)

    def check(self, data: bytes) -> None:
        """Reads an input and checks what happens.

        Raises:
            Finding: If the message of an error is not ours, if there is a warning that
                is not ours, or if it takes too long.
            Exception: Any other error is a finding too.
        """
        start = time.process_time()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                self.read(data)
            except self.errors as error:
                self._check_message(error)
        seconds = time.process_time() - start
        if seconds > MAX_SECONDS:
            raise Finding(f"{seconds:.1f} s for {len(data)} bytes")
        for warning in caught:
            if not issubclass(warning.category, UserWarning):
                name = warning.category.__name__
                raise Finding(f"{name}: {warning.message}, {warning.filename}")

    def _check_message(self, error: Exception) -> None:
        lacking = [text for text in self.in_error if text not in str(error)]
        if lacking or isinstance(error, UnicodeError):
            raise Finding(
                f"{type(error).__name__} without {lacking}: {str(error)[:300]}"
            ) from error


@functools.cache
def folder(name: str) -> Path:
    """A temporary folder of this process, in memory where that is possible."""
    memory = Path("/dev/shm")
    path = tempfile.mkdtemp(f"-fuzzing-{name}", dir=memory if memory.is_dir() else None)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return Path(path)


def write(name: str, data: bytes) -> Path:
    """Writes an input to a file in a separate folder."""
    path = folder("files") / name
    path.write_bytes(data)
    return path


def must(condition, what: str) -> None:
    """Raises a `Finding` unless a property holds."""
    if not condition:
        raise Finding(what)
