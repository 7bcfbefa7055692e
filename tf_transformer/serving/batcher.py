"""Dynamic batching: waiting requests are computed together if that is faster."""

import asyncio
import dataclasses
import logging
import time
import weakref

import numpy as np

from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.loaded_version import LoadedVersion
from tf_transformer.serving.metrics import Metrics
from tf_transformer.serving.settings import ServiceSettings
from tf_transformer.serving.signature import Signature
from tf_transformer.serving.threads import in_thread

LOG = logging.getLogger(__name__)
MAX_BATCH_BYTES = 8192  # of text in one batch, padding included
SIMILAR_BYTES = 64
Arrays = dict[str, np.ndarray]


@dataclasses.dataclass(eq=False)
class Job:
    """The unit of computation: one row, or a request that cannot be split."""

    signature: Signature
    arrays: Arrays
    num_rows: int
    length: int
    group: tuple | None
    future: asyncio.Future
    arrived: float = dataclasses.field(default_factory=time.monotonic)


class Batcher:
    """One queue and one computation at a time, for one version of a model.

    The job with the earliest due time is computed next: the time of its arrival, plus a
    delay that grows with its length up to half of `timeout`. A short request therefore
    overtakes long ones, and the delay of a long one is bounded. Rows of other requests
    to the same signature with the nearest lengths join the batch, up to
    `MAX_BATCH_BYTES` of text.

    Args:
        settings: Sizes and delays.
        metrics: Counts batches and the queue.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics):
        self._settings = settings
        self._metrics = metrics
        self._queue: dict[Job, None] = {}
        self._num_waiting = 0
        self._arrival = asyncio.Event()
        self._working: asyncio.Task | None = None
        self._started: float | None = None

    @property
    def is_stuck(self) -> bool:
        """Whether the current computation has taken longer than any request may."""
        return self._started is not None and (
            time.monotonic() - self._started > self._settings.timeout
        )

    async def compute(self, signature: Signature, arrays: Arrays) -> Arrays:
        """Computes the signature's outputs when it is this request's turn.

        A caller that is cancelled leaves the queue.

        Raises:
            RequestError: If the queue is full, the version is stuck in a computation
                or the computation fails.
        """
        jobs = self._split(signature, arrays)
        num_rows = sum(job.num_rows for job in jobs)
        self._check_capacity(num_rows)
        for job in jobs:
            self._queue[job] = None
        self._count(num_rows)
        self._arrival.set()
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        try:
            outputs = await asyncio.gather(*(job.future for job in jobs))
        finally:
            for job in jobs:
                job.future.cancel()
                self._remove(job)
        if len(outputs) == 1:
            return outputs[0]
        return {name: np.concatenate([o[name] for o in outputs]) for name in outputs[0]}

    def _check_capacity(self, num_rows: int) -> None:
        if self.is_stuck:
            raise _unavailable(
                "The model is stuck: a computation has taken longer than "
                f"{self._settings.timeout:g} seconds."
            )
        if self._num_waiting + num_rows > self._settings.queue_size:
            raise _unavailable(
                f"The service is busy: {self._num_waiting} sentences are waiting."
            )

    async def _work(self) -> None:
        """Computes until the queue is empty."""
        try:
            while self._queue:
                first = min(self._queue, key=self._due)
                await self._wait_for_others(first)
                if self._queue:
                    # a shorter job may have arrived meanwhile
                    batch = self._batch(min(self._queue, key=self._due))
                    for job in batch:
                        self._remove(job)
                    await self._run(batch)
        except Exception as error:
            LOG.exception("failed", extra={"details": {"event": "failed"}})
            _fail(list(self._queue), error)

    def _due(self, job: Job) -> float:
        share = job.length / self._settings.max_characters
        return job.arrived + self._settings.timeout * min(share / 4, 1 / 2)

    def _split(self, signature: Signature, arrays: Arrays) -> list[Job]:
        num_rows = signature.num_rows(arrays)
        is_split = (
            self._settings.batch_size > 1
            and signature.rows_are_independent
            and num_rows > 0
            and all(len(array) == num_rows for array in arrays.values())
        )
        if not is_split:
            return [self._job(signature, arrays, num_rows, None)]
        group = (signature, *(array.shape[1:] for array in arrays.values()))
        return [
            self._job(
                signature,
                {name: array[row : row + 1] for name, array in arrays.items()},
                1,
                group,
            )
            for row in range(num_rows)
        ]

    def _job(self, signature, arrays, num_rows, group) -> Job:
        length = sum(
            len(value)
            for array in arrays.values()
            if array.dtype == object
            for value in array.flat
        )
        future = asyncio.get_running_loop().create_future()
        return Job(signature, arrays, num_rows, length, group, future)

    def _batch(self, first: Job) -> list[Job]:
        """The job, and the jobs that are computed in the same batch."""
        if first.group is None:
            return [first]
        # a batch takes as long as its longest text: do not batch short texts with long
        # ones
        longest_allowed = 2 * first.length + SIMILAR_BYTES
        candidates = [
            job
            for job in self._queue
            if job.group == first.group and job.length <= longest_allowed
        ]
        candidates.sort(key=lambda job: abs(job.length - first.length))
        candidates.remove(first)
        batch, longest = [first], first.length
        for job in candidates[: self._settings.batch_size - 1]:
            longest = max(longest, job.length)
            if longest * (len(batch) + 1) > MAX_BATCH_BYTES:
                break
            batch.append(job)
        return batch

    async def _wait_for_others(self, first: Job) -> None:
        end = first.arrived + self._settings.batch_delay
        while first.group is not None and first in self._queue:
            left = end - time.monotonic()
            same = sum(job.group == first.group for job in self._queue)
            if left <= 0 or same >= self._settings.batch_size:
                return
            self._arrival.clear()
            try:
                async with asyncio.timeout(left):
                    await self._arrival.wait()
            except TimeoutError:
                return

    async def _run(self, batch: list[Job]) -> None:
        batch = [job for job in batch if not job.future.done()]
        if not batch:
            return
        self._metrics.batch_size.observe(sum(job.num_rows for job in batch))
        try:
            results = await self._timed(batch)
        except RequestError as error:
            if len(batch) == 1:
                _fail(batch, error)
            else:
                # one bad sentence makes the whole batch fail: find it by halving the
                # batch
                middle = len(batch) // 2
                await self._run(batch[:middle])
                await self._run(batch[middle:])
            return
        except Exception as error:
            _fail(batch, error)
            return
        for job, result in zip(batch, results, strict=True):
            if not job.future.done():
                job.future.set_result(result)

    async def _timed(self, batch: list[Job]):
        self._started = started = time.monotonic()
        try:
            return await in_thread(_compute, batch)
        finally:
            self._started = None
            self._metrics.computing_seconds.inc(time.monotonic() - started)

    def _remove(self, job: Job) -> None:
        if job in self._queue:
            del self._queue[job]
            self._count(-job.num_rows)

    def _count(self, change: int) -> None:
        self._num_waiting += change
        self._metrics.queue_length.inc(change)


class Batchers:
    """One batcher for each version, so that no version waits for another.

    Args:
        settings: Sizes and delays.
        metrics: Counts batches and the queues.
    """

    def __init__(self, settings: ServiceSettings, metrics: Metrics):
        self._settings = settings
        self._metrics = metrics
        # the batcher of an unloaded version is removed with it
        self._batchers = weakref.WeakKeyDictionary()

    def batcher(self, loaded: LoadedVersion) -> Batcher:
        """The batcher of a version."""
        if loaded not in self._batchers:
            self._batchers[loaded] = Batcher(self._settings, self._metrics)
        return self._batchers[loaded]

    def is_stuck(self, loaded: LoadedVersion) -> bool:
        """Whether a version is stuck in a computation."""
        return loaded in self._batchers and self._batchers[loaded].is_stuck


def _unavailable(message: str) -> RequestError:
    return RequestError(
        "UNAVAILABLE", f"{message} Try again later.", {"Retry-After": "1"}
    )


def _compute(batch: list[Job]) -> list[Arrays]:
    signature = batch[0].signature
    if len(batch) == 1:
        signature.check_answer_size(batch[0].arrays)
        return [signature(batch[0].arrays)]
    arrays = {
        name: np.concatenate([job.arrays[name] for job in batch])
        for name in signature.inputs
    }
    outputs = signature(arrays)
    return [
        {name: array[row : row + 1] for name, array in outputs.items()}
        for row in range(len(batch))
    ]


def _fail(jobs: list[Job], error: Exception) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_exception(error)
