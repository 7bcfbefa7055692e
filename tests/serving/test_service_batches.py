"""Waiting requests are computed together, unless their clients disconnected."""

import asyncio
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from prometheus_client import Counter

from tf_transformer.serving.batcher import Batcher
from tf_transformer.serving.errors import RequestError, invalid
from tf_transformer.serving.metrics import Metrics
from tf_transformer.serving.settings import ServiceSettings


class Upper:
    """A signature that records its batches, and can wait at a gate."""

    rows_are_independent = True

    def __init__(self):
        self.inputs = {"text": tf.TensorSpec([None], tf.string)}
        self.batches = []
        self.gate = threading.Event()
        self.gate.set()

    def num_rows(self, arrays):
        return len(arrays["text"])

    def check_answer_size(self, arrays):
        pass

    def __call__(self, arrays):
        texts = arrays["text"].tolist()
        self.batches.append(texts)
        self.gate.wait(10)
        if b"bad" in texts:
            raise invalid("bad")
        if b"worse" in texts:
            raise RuntimeError("worse")
        return {"text": np.array([text.upper() for text in texts], object)}


def arrays_of(*texts):
    return {"text": np.array([text.encode() for text in texts], object)}


def run(scenario, signature=None, **settings):
    """Runs `await scenario(compute, signature)` next to a working batcher.

    `compute(*texts)` is a task that gives texts or an error.
    """
    signature = signature or Upper()

    async def main():
        batcher = Batcher(ServiceSettings(**settings), Metrics())

        def compute(*texts, at=signature):
            async def texts_of_outputs():
                outputs = await batcher.compute(at, arrays_of(*texts))
                return [text.decode() for text in outputs["text"]]

            return asyncio.create_task(texts_of_outputs())

        try:
            async with asyncio.timeout(60):
                return await scenario(compute, signature)
        finally:
            signature.gate.set()

    return asyncio.run(main())


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


def closed(signature):
    signature.gate.clear()
    return signature


def test_requests_that_come_together_are_computed_together():
    async def scenario(compute, signature):
        found = await asyncio.gather(*(compute(text) for text in "abc"))
        assert found == [["A"], ["B"], ["C"]]
        assert signature.batches == [[b"a", b"b", b"c"]]

    run(scenario, batch_delay=0.05)


def test_a_full_batch_does_not_wait():
    async def scenario(compute, signature):
        await asyncio.gather(*(compute(text) for text in "abcd"))
        assert [len(batch) for batch in signature.batches] == [2, 2]

    run(scenario, batch_size=2, batch_delay=1000)


def test_a_single_request_waits_for_the_batch_delay_only():
    async def scenario(compute, signature):
        assert await compute("a") == ["A"]

    run(scenario, batch_delay=0.001)


def test_what_comes_during_a_computation_is_the_next_batch():
    async def scenario(compute, signature):
        first = compute("first")
        await until(lambda: signature.batches)
        others = [compute(text) for text in ("b", "c")]
        await asyncio.sleep(0.01)
        signature.gate.set()
        await asyncio.gather(first, *others)
        assert signature.batches == [[b"first"], [b"b", b"c"]]

    run(scenario, closed(Upper()), batch_delay=0)


def test_texts_of_similar_length_are_computed_together_shortest_first():
    async def scenario(compute, signature):
        first = compute("first")
        await until(lambda: signature.batches)
        long, short = compute("x" * 50, "y" * 52), compute("a", "bb")
        medium = compute("m" * 30)
        await asyncio.sleep(0.01)
        signature.gate.set()
        assert await long == ["X" * 50, "Y" * 52]
        assert await short == ["A", "BB"]
        await asyncio.gather(first, medium)
        lengths = [[len(text) for text in batch] for batch in signature.batches]
        assert lengths == [[5], [1, 2, 30], [50, 52]]

    run(scenario, closed(Upper()), batch_size=3, batch_delay=0)


def test_a_short_text_overtakes_long_ones_and_they_are_computed_in_time():
    async def scenario(compute, signature):
        first = compute("first")
        await until(lambda: signature.batches)
        long = [compute(*["x" * 1000] * 6) for _ in range(4)]
        await asyncio.sleep(0.01)
        # without an end of short texts: the long ones wait no longer than their share
        found = []
        for number in range(400):
            found.append(compute(f"short {number}"))
            signature.gate.set()
            await found[0]
            await asyncio.sleep(0.005)
        await asyncio.gather(first, *found, *long)
        assert signature.batches[1] == [b"short 0"]
        # at most MAX_BATCH_BYTES at once
        sizes = [len(batch) for batch in signature.batches if len(batch[0]) == 1000]
        assert sizes == [8, 8, 8]
        last = max(i for i, batch in enumerate(signature.batches) if len(batch) == 8)
        assert last < len(signature.batches) - 20

    run(scenario, closed(Upper()), batch_delay=0, timeout=60, max_characters=12_000)


def test_other_signatures_are_other_batches():
    other = Upper()

    async def scenario(compute, signature):
        await asyncio.gather(compute("a"), compute("b", at=other), compute("c"))
        assert signature.batches == [[b"a", b"c"]]
        assert other.batches == [[b"b"]]

    run(scenario, batch_delay=0.05)


def test_batch_size_one_computes_each_request_alone():
    async def scenario(compute, signature):
        await asyncio.gather(compute("a", "b"), compute("c"))
        assert sorted(signature.batches) == [[b"a", b"b"], [b"c"]]

    run(scenario, batch_size=1)


def test_rows_that_depend_on_each_other_stay_together():
    class Padded(Upper):
        rows_are_independent = False

    async def scenario(compute, signature):
        await asyncio.gather(compute("a", "b"), compute("c"))
        assert sorted(signature.batches) == [[b"a", b"b"], [b"c"]]

    run(scenario, Padded(), batch_delay=0.01)


def test_a_request_without_sentences_is_computed_too():
    async def scenario(compute, signature):
        assert await compute() == []

    run(scenario)


def test_one_bad_sentence_fails_only_its_own_request():
    async def scenario(compute, signature):
        texts = [("a",), ("b", "bad", "c"), ("d",), ("e", "f")]
        tasks = [compute(*row) for row in texts]
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(found[1], RequestError)
        assert [found[0], *found[2:]] == [["A"], ["D"], ["E", "F"]]
        assert len(signature.batches[0]) == 7
        assert await compute("later") == ["LATER"]

    run(scenario, batch_delay=0.05)


def test_time_of_a_batch_that_is_halved_is_counted_once(monkeypatch):
    counted, signature = [], Upper()
    signature.gate = SimpleNamespace(wait=lambda _: time.sleep(0.05), set=lambda: None)
    monkeypatch.setattr(Counter, "inc", lambda _, seconds: counted.append(seconds))

    async def scenario(compute, signature):
        tasks = [compute(text) for text in ("a", "b", "c", "bad", "d", "e", "f")]
        await asyncio.gather(*tasks, return_exceptions=True)

    started = time.monotonic()
    run(scenario, signature, batch_delay=0.05)
    assert len(counted) == len(signature.batches) == 7
    assert 7 * 0.05 < sum(counted) < time.monotonic() - started


def test_an_error_of_the_code_fails_its_batch_and_nothing_else():
    async def scenario(compute, signature):
        with pytest.raises(RuntimeError, match="worse"):
            await compute("worse")
        assert await compute("later") == ["LATER"]

    run(scenario)


def test_a_full_queue_refuses_at_once_and_recovers():
    async def scenario(compute, signature):
        computing = compute("computing")
        await until(lambda: signature.batches)
        waiting = compute("a", "b", "c")
        await asyncio.sleep(0)
        with pytest.raises(RequestError, match="3 sentences are waiting") as caught:
            await compute("d", "e")
        assert caught.value.http_status == 503
        assert caught.value.headers == {"Retry-After": "1"}
        last = compute("f")
        await asyncio.sleep(0.01)
        signature.gate.set()
        assert await asyncio.gather(computing, waiting, last) == [
            ["COMPUTING"],
            ["A", "B", "C"],
            ["F"],
        ]

    run(scenario, closed(Upper()), queue_size=4, max_sentences=4)


def test_requests_of_clients_that_left_are_not_computed():
    async def scenario(compute, signature):
        first = compute("first")
        await until(lambda: signature.batches)
        leaving, staying = compute("leaving"), compute("staying")
        await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.sleep(0.01)
        signature.gate.set()
        await asyncio.gather(first, staying)
        assert leaving.cancelled()
        assert signature.batches == [[b"first"], [b"staying"]]

    run(scenario, closed(Upper()), batch_delay=0)


def test_a_client_that_left_frees_its_place_in_the_queue():
    async def scenario(compute, signature):
        computing = compute("computing")
        await until(lambda: signature.batches)
        leaving = compute("a", "b")
        await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.sleep(0.01)
        next_one = compute("c", "d")
        await asyncio.sleep(0.01)
        signature.gate.set()
        await computing
        assert await next_one == ["C", "D"]

    run(scenario, closed(Upper()), queue_size=2, max_sentences=2)
