"""Reads large bodies without blocking other requests."""

import asyncio
from collections.abc import Callable

from tf_transformer.serving.threads import in_thread

# A thread costs each request a tenth of a millisecond or more, and more while a model
# is computed. A body of this size can be parsed and converted within 20 ms.
LARGE_BODY = 1 << 14


class LargeBodies:
    """Calls functions on bodies, on large ones in a thread.

    One thread at a time, because lists need many times the memory of their JSON.
    """

    def __init__(self):
        self._turn = asyncio.Semaphore()

    async def call(self, size: int, function: Callable, *arguments):
        """Returns the result of a function.

        If the caller is cancelled, the next turn begins when the function has ended.

        Args:
            size: The size of the body in bytes.
            function: Called in a thread if the body is large.
            *arguments: Its arguments.
        """
        if size <= LARGE_BODY:
            return function(*arguments)
        await self._turn.acquire()
        task = asyncio.ensure_future(in_thread(function, *arguments))
        task.add_done_callback(lambda _: self._turn.release())
        return await asyncio.shield(task)
