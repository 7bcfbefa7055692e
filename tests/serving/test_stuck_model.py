"""A computation that never ends blocks only its own model."""

import asyncio
import threading
import time

import pytest

from tests.serving.patience import until
from tf_transformer.serving.models import Models
from tf_transformer.serving.server import _end_computations
from tf_transformer.serving.signature import Signature
from tf_transformer.serving.threads import in_thread, is_any_running

HALF, WORDS = "/v1/models/half:predict", "/v1/models/words:predict"


def posted(client, address, value):
    """The answer; a busy machine may need longer than the service's `timeout`."""
    return client.post(address, json={"inputs": [value]}).json()


def translation(answer):
    return answer.get("outputs", {}).get("translation")


@pytest.fixture
def endless(monkeypatch):
    """Texts that begin with "endless" are computed until the event is set."""
    gate, compute = threading.Event(), Signature.__call__

    def call(self, arrays):
        texts = arrays["text"].tolist() if "text" in arrays else []
        if any(text.startswith(b"endless") for text in texts):
            gate.wait(30)
        return compute(self, arrays)

    monkeypatch.setattr(Signature, "__call__", call)
    yield gate
    gate.set()
    until(lambda: not is_any_running())


def test_other_models_answer_and_health_names_the_one_that_does_not(
    service, add, folder, endless
):
    add("half/123")
    add("words/2")
    with service(folder, timeout=0.3) as client:
        until(lambda: client.get("/readyz/words").status_code == 200)
        assert client.post(WORDS, json={"inputs": ["endless"]}).status_code == 504
        until(lambda: client.get("/readyz/words").status_code == 503)
        assert client.get("/readyz/words").json() == {"status": "stuck"}
        models = {"half": "ready", "words": "stuck"}
        assert client.get("/readyz").json() == {"status": "ready", "models": models}
        assert client.get("/readyz").status_code == 200
        assert client.get("/healthz").status_code == 200
        until(lambda: posted(client, HALF, 2) == {"outputs": [3.0]})
        answer = client.post(WORDS, json={"inputs": ["a"]})  # at once
        assert answer.status_code == 503
        assert "stuck" in answer.json()["error"]
        answer = client.get("/readyz/nobody")
        assert answer.status_code == 404
        assert answer.json() == {"error": "There is no model 'nobody'."}


def test_not_healthy_if_no_model_can_answer_any_more(service, add, folder, endless):
    add("words/2")
    with service(folder, timeout=0.2) as client:
        client.post(WORDS, json={"inputs": ["endless"]})
        until(lambda: client.get("/healthz").status_code == 503)
        assert client.get("/readyz").status_code == 503
        endless.set()
        until(lambda: client.get("/healthz").status_code == 200)
        until(lambda: "outputs" in posted(client, WORDS, "a"))


@pytest.mark.moderate
def test_a_new_version_answers_though_the_old_one_is_stuck(
    service, add, folder, endless
):
    add("words/2")
    with service(folder, timeout=0.3) as client:
        client.post(WORDS, json={"inputs": ["endless"]})
        until(lambda: client.get("/readyz").status_code == 503)
        add("words/3")
        until(lambda: client.get("/readyz").status_code == 200)
        until(lambda: translation(posted(client, WORDS, "a")) == ["A3"])


def test_a_model_that_never_ends_to_load_delays_no_other(folder, add, monkeypatch):
    gate = threading.Event()

    def warm_up(self):
        if "text" in self.inputs:
            gate.wait(120)

    monkeypatch.setattr(Signature, "warm_up", warm_up)
    add("half/123")
    add("words/2")
    models = Models(folder, settle_seconds=0, load_seconds=5)

    async def watch():
        watching = asyncio.create_task(models.watch(0.02))
        while not models.highest("half"):
            await asyncio.sleep(0.01)
        (loading,) = models.status("words")["model_version_status"]
        assert loading["state"] == "LOADING"
        assert not models.has_looked
        while not models.has_looked:
            await asyncio.sleep(0.01)
        (given_up,) = models.status("words")["model_version_status"]
        assert given_up["state"] == "END"
        assert given_up["status"] == {
            "error_code": "DEADLINE_EXCEEDED",
            "error_message": "Loading took longer than 5 seconds.",
        }
        assert models.ready
        watching.cancel()

    started = time.monotonic()
    asyncio.run(asyncio.wait_for(watch(), 60))
    assert time.monotonic() - started < 60  # the thread is not waited for
    gate.set()
    until(lambda: not is_any_running())


def test_the_process_ends_with_a_computation_that_does_not(monkeypatch):
    gate, codes = threading.Event(), []

    def leave(code):
        codes.append(code)
        gate.set()
        raise SystemExit(code)

    async def start():
        task = asyncio.create_task(in_thread(gate.wait, 30))
        await asyncio.sleep(0.01)
        task.cancel()

    monkeypatch.setattr("tf_transformer.serving.server.GRACE_SECONDS", 0.1)
    monkeypatch.setattr("os._exit", leave)
    monkeypatch.setattr("logging.shutdown", lambda: None)
    asyncio.run(start())
    with pytest.raises(SystemExit):
        _end_computations()
    assert codes == [1]
    until(lambda: not is_any_running())
    _end_computations()  # nothing runs: returns
