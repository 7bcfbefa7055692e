"""SIGTERM, which cluster schedulers send before they end a process."""

import contextlib
import signal
import threading
from collections.abc import Iterator


class TrainingTerminated(Exception):
    """A training ended because of SIGTERM, after it wrote a checkpoint."""


class Termination:
    """Whether SIGTERM was received."""

    def __init__(self):
        self.is_requested = False


@contextlib.contextmanager
def catching_sigterm() -> Iterator[Termination]:
    """Yields a `Termination`; SIGTERM sets it instead of ending the process.

    Python handles signals in the main thread only; in other threads this has no effect.
    """
    termination = Termination()

    def request(number, frame):
        termination.is_requested = True

    if threading.current_thread() is not threading.main_thread():
        yield termination
        return
    before = signal.signal(signal.SIGTERM, request)
    try:
        yield termination
    finally:
        signal.signal(signal.SIGTERM, before)
