"""Large bodies are read in a thread, and their limits are checked first."""

import asyncio
import threading

import pytest

from tests.serving.rest_requests import PREDICT
from tf_transformer.serving import endpoints
from tf_transformer.serving.large_bodies import LARGE_BODY, LargeBodies
from tf_transformer.serving.threads import NAME


@pytest.fixture
def readers(monkeypatch):
    """The threads that parsed and converted bodies."""
    found = {"read_document": [], "read_inputs": []}

    def watch(name):
        function = getattr(endpoints, name)

        def watched(*arguments):
            found[name].append(threading.current_thread().name)
            return function(*arguments)

        monkeypatch.setattr(endpoints, name, watched)

    for name in found:
        watch(name)
    return found


def test_only_a_large_body_is_read_in_a_thread(client, readers):
    small = b'{"inputs": ["a"]}'
    for body in (small, small + b" " * LARGE_BODY):
        assert client.post(PREDICT, content=body).is_success
    for names in readers.values():
        assert [name == NAME for name in names] == [False, True]


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [""] * 65},
        {"inputs": [[]] * 65},
        {"inputs": {"text": ["a"] * 65}},
    ],
)
def test_too_many_rows_are_refused_before_they_are_converted(client, readers, body):
    answer = client.post(PREDICT, json=body)
    message = "A request may contain at most 64 sentences. Received: 65"
    assert (answer.status_code, answer.json()) == (400, {"error": message})
    assert readers["read_inputs"] == []


def test_one_large_body_is_read_at_a_time_though_its_client_leaves():
    gate, begun = threading.Event(), []

    def read(name):
        begun.append(name)
        gate.wait(10)

    async def leave_and_ask():
        bodies = LargeBodies()
        first = asyncio.create_task(bodies.call(LARGE_BODY + 1, read, "first"))
        while not begun:
            await asyncio.sleep(0.01)
        first.cancel()
        second = asyncio.create_task(bodies.call(LARGE_BODY + 1, read, "second"))
        await asyncio.sleep(0.1)
        assert begun == ["first"]
        gate.set()
        await asyncio.wait_for(second, 10)
        assert begun == ["first", "second"]

    asyncio.run(leave_and_ask())
