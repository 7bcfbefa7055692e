"""Blocking functions in threads that cannot keep the process alive."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

NAME = "tf_transformer.serving"


async def in_thread(function: Callable, *arguments):
    """Runs a function in a new daemon thread and returns its result.

    Unlike a thread of `asyncio.to_thread`, a thread that never ends delays neither
    other calls nor the end of the process. If the caller is cancelled, the thread
    continues and its result is dropped.

    Args:
        function: The function.
        *arguments: Its arguments.

    Example:

    >>> asyncio.run(in_thread(divmod, 7, 2))
    (3, 1)
    """
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def finish(set_outcome: Callable, outcome) -> None:
        if not future.done():
            set_outcome(outcome)

    def run() -> None:
        try:
            outcome = future.set_result, function(*arguments)
        except StopIteration as error:  # which a future does not take
            failure = RuntimeError("The function raised StopIteration.")
            failure.__cause__ = error
            outcome = future.set_exception, failure
        except BaseException as error:
            outcome = future.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(finish, *outcome)

    threading.Thread(target=run, name=NAME, daemon=True).start()
    return await future


def is_any_running() -> bool:
    """Whether a function that `in_thread` started still runs."""
    return any(thread.name == NAME for thread in threading.enumerate())
