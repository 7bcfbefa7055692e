"""Requests that wait, computed together where that is faster."""

import asyncio
import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.metrics import Metrics
from tf_transformer.serving.settings import ServiceSettings
from tf_transformer.serving.signature import Signature

Arrays = dict[str, np.ndarray]


@dataclasses.dataclass(eq=False)
class Piece:
    """What is computed as a whole: one row, or a request that must stay together."""

    signature: Signature
    arrays: Arrays
    num_rows: int
    length: int
    group: tuple | None
    future: asyncio.Future
    arrived: float = dataclasses.field(default_factory=time.monotonic)


class Batcher:
    """One queue and one thread that computes.

    The piece that has waited longest comes next, and with it those rows of other
    requests to the same signature that are nearest to it in length, so that little is
    padded. The thread computes one batch at a time; TensorFlow uses all cores for it.

    Args:
        settings: Sizes and delays.
        metrics: Where batches and the queue are counted.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics):
        self._settings = settings
        self._metrics = metrics
        self._queue: dict[Piece, None] = {}
        self._num_waiting = 0
        self._news = asyncio.Event()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="compute")

    async def compute(self, signature: Signature, arrays: Arrays) -> Arrays:
        """The signature's outputs, when it is this request's turn.

        A caller that is cancelled leaves the queue.

        Raises:
            RequestError: If the queue is full or the computation fails.
        """
        pieces = self._pieces(signature, arrays)
        num_rows = sum(piece.num_rows for piece in pieces)
        if self._num_waiting + num_rows > self._settings.queue_size:
            raise RequestError(
                "UNAVAILABLE",
                f"The service is busy: {self._num_waiting} sentences are waiting. "
                "Try again later.",
                {"Retry-After": "1"},
            )
        for piece in pieces:
            self._queue[piece] = None
        self._count(num_rows)
        self._news.set()
        try:
            outputs = await asyncio.gather(*(piece.future for piece in pieces))
        finally:
            for piece in pieces:
                piece.future.cancel()
                self._take(piece)
        if len(outputs) == 1:
            return outputs[0]
        return {name: np.concatenate([o[name] for o in outputs]) for name in outputs[0]}

    async def work(self) -> None:
        """Computes what waits, for ever."""
        while True:
            while not self._queue:
                self._news.clear()
                await self._news.wait()
            oldest = next(iter(self._queue))
            await self._wait_for_others(oldest)
            if oldest in self._queue:
                batch = self._companions(oldest)
                for piece in batch:
                    self._take(piece)
                await self._run(batch)

    def close(self) -> None:
        """Waits for the computation that is running."""
        self._executor.shutdown()

    def _pieces(self, signature: Signature, arrays: Arrays) -> list[Piece]:
        num_rows = signature.num_rows(arrays)
        is_split = (
            self._settings.batch_size > 1
            and signature.rows_are_independent
            and num_rows > 0
            and all(len(array) == num_rows for array in arrays.values())
        )
        if not is_split:
            return [self._piece(signature, arrays, num_rows, None)]
        group = (signature, *(array.shape[1:] for array in arrays.values()))
        return [
            self._piece(
                signature,
                {name: array[row : row + 1] for name, array in arrays.items()},
                1,
                group,
            )
            for row in range(num_rows)
        ]

    def _piece(self, signature, arrays, num_rows, group) -> Piece:
        length = sum(
            len(value)
            for array in arrays.values()
            if array.dtype == object
            for value in array.flat
        )
        future = asyncio.get_running_loop().create_future()
        return Piece(signature, arrays, num_rows, length, group, future)

    def _companions(self, oldest: Piece) -> list[Piece]:
        """The piece and those that are computed with it."""
        if oldest.group is None:
            return [oldest]
        same = [piece for piece in self._queue if piece.group == oldest.group]
        same.sort(key=lambda piece: abs(piece.length - oldest.length))
        same.remove(oldest)
        return [oldest, *same[: self._settings.batch_size - 1]]

    async def _wait_for_others(self, oldest: Piece) -> None:
        end = oldest.arrived + self._settings.batch_delay
        while oldest.group is not None and oldest in self._queue:
            left = end - time.monotonic()
            same = sum(piece.group == oldest.group for piece in self._queue)
            if left <= 0 or same >= self._settings.batch_size:
                return
            self._news.clear()
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                return

    async def _run(self, batch: list[Piece]) -> None:
        batch = [piece for piece in batch if not piece.future.done()]
        if not batch:
            return
        self._metrics.batch_size.observe(sum(piece.num_rows for piece in batch))
        started = time.monotonic()
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(self._executor, _compute, batch)
        except RequestError as error:
            if len(batch) == 1:
                _fail(batch, error)
            else:
                # one bad sentence fails a whole batch: look for it by halves
                middle = len(batch) // 2
                await self._run(batch[:middle])
                await self._run(batch[middle:])
            return
        except Exception as error:
            _fail(batch, error)
            return
        finally:
            self._metrics.computing_seconds.inc(time.monotonic() - started)
        for piece, result in zip(batch, results, strict=True):
            if not piece.future.done():
                piece.future.set_result(result)

    def _take(self, piece: Piece) -> None:
        if piece in self._queue:
            del self._queue[piece]
            self._count(-piece.num_rows)

    def _count(self, change: int) -> None:
        self._num_waiting += change
        self._metrics.queue_length.set(self._num_waiting)


def _compute(batch: list[Piece]) -> list[Arrays]:
    signature = batch[0].signature
    if len(batch) == 1:
        return [signature(batch[0].arrays)]
    arrays = {
        name: np.concatenate([piece.arrays[name] for piece in batch])
        for name in signature.inputs
    }
    found = signature(arrays)
    return [
        {name: array[row : row + 1] for name, array in found.items()}
        for row in range(len(batch))
    ]


def _fail(batch: list[Piece], error: Exception) -> None:
    for piece in batch:
        if not piece.future.done():
            piece.future.set_exception(error)
