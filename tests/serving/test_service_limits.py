"""Limits of requests, and when a service is ready and healthy."""

import gzip
import threading

import pytest
from starlette.testclient import TestClient

from tests.serving.patience import until
from tests.serving.rest_requests import PREDICT
from tf_transformer.serving.app import make_app
from tf_transformer.serving.models import Models
from tf_transformer.serving.signature import Signature


@pytest.fixture
def small(service, add, folder):
    add("words/3")
    limits = {"max_body": 300, "max_sentences": 3, "max_characters": 5}
    with service(folder, **limits) as client:
        yield client


def test_too_long_a_body(small):
    def chunks():
        yield b'{"inputs": ["'
        yield b"a" * 300

    for content in (b"a" * 301, chunks()):
        answer = small.post(PREDICT, content=content)
        assert answer.status_code == 413
        assert answer.json() == {
            "error": "The body of a request may have at most 300 bytes."
        }
    assert small.post(PREDICT, content=b" " * 270 + b'{"inputs": ["a"]}').is_success


def test_a_body_as_long_as_the_limit_is_read(small):
    body = b'{"inputs": ["a"]}'
    body = b" " * (300 - len(body)) + body
    packed = {"content-encoding": "gzip"}
    for content in (body, iter([body[:290], body[290:]])):
        assert small.post(PREDICT, content=content).is_success
    assert small.post(PREDICT, content=gzip.compress(body), headers=packed).is_success


def test_too_many_sentences(small):
    assert small.post(PREDICT, json={"inputs": ["a"] * 3}).is_success
    for body in ({"inputs": ["a"] * 4}, {"instances": ["a"] * 4}):
        answer = small.post(PREDICT, json=body)
        message = "A request may contain at most 3 sentences. Received: 4"
        assert (answer.status_code, answer.json()) == (400, {"error": message})


def test_too_long_a_sentence(small):
    assert small.post(PREDICT, json={"inputs": ["", "가나다라마"]}).is_success
    answer = small.post(PREDICT, json={"inputs": ["", "가나다라마바"]})
    message = "A sentence may have at most 5 characters. Received: 6"
    assert (answer.status_code, answer.json()) == (400, {"error": message})


def test_a_wrong_shape(small):
    answer = small.post(PREDICT, json={"inputs": {"text": "a"}})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith('Input "text" has the wrong shape.')


def test_a_request_that_takes_too_long(service, add, folder, monkeypatch):
    add("half/123")
    gate = threading.Event()
    compute = Signature.__call__

    def slowly(self, arrays):
        gate.wait(10)
        return compute(self, arrays)

    with service(folder, timeout=0.05) as client:
        monkeypatch.setattr(Signature, "__call__", slowly)
        answer = client.post("/v1/models/half:predict", json={"inputs": [1]})
        gate.set()
    message = "The request took longer than 0.05 seconds."
    assert (answer.status_code, answer.json()) == (504, {"error": message})


def test_a_full_queue_is_answered_at_once(service, add, folder, monkeypatch):
    add("words/3")
    entered, gate, compute = threading.Event(), threading.Event(), Signature.__call__

    def at_gate(self, arrays):
        entered.set()
        gate.wait(60)
        return compute(self, arrays)

    with service(folder, queue_size=2, max_sentences=2, timeout=300) as client:
        monkeypatch.setattr(Signature, "__call__", at_gate)

        def post(*texts):
            return client.post(PREDICT, json={"inputs": texts})

        threads = [threading.Thread(target=post, args=texts) for texts in ("x", "ab")]
        threads[0].start()
        assert entered.wait(60)
        threads[1].start()
        until(lambda: "queue_sentences 2.0" in client.get("/metrics").text)
        answer = post("c")
        gate.set()
        for thread in threads:
            thread.join()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["error"].startswith("The service is busy: 2 sentences")


def test_ready_once_every_model_was_tried(add, folder, monkeypatch):
    add("half/123")
    add("words/2")
    gate, warm_up = threading.Event(), Signature.warm_up

    def at_gate(self):
        return gate.wait(300) if "x" in self.inputs else warm_up(self)

    monkeypatch.setattr(Signature, "warm_up", at_gate)
    app = make_app(Models(folder, settle_seconds=0))
    with TestClient(app, base_url="http://localhost") as client:
        until(lambda: client.get("/readyz/words").status_code == 200)
        answer = client.get("/readyz")
        models = {"half": "not loaded", "words": "ready"}
        expected = {"status": "models are still being loaded", "models": models}
        assert (answer.status_code, answer.json()) == (503, expected)
        assert client.get("/healthz").json() == {"status": "ok"}
        gate.set()
        until(lambda: client.get("/readyz").status_code == 200)
        models = {"half": "ready", "words": "ready"}
        assert client.get("/readyz").json() == {"status": "ready", "models": models}


def test_a_model_that_is_being_loaded_is_not_missing(add, folder, monkeypatch):
    add("half/123")
    gate = threading.Event()
    monkeypatch.setattr(Signature, "warm_up", lambda self: gate.wait(300))
    app = make_app(Models(folder, settle_seconds=0))
    with TestClient(app, base_url="http://localhost") as client:
        until(lambda: "LOADING" in client.get("/v1/models").text)
        for loading in ("half", "half/versions/123"):
            answer = client.post(f"/v1/models/{loading}:predict", json={"inputs": [1]})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert "still being loaded" in answer.json()["error"]
        for missing in ("nobody", "half/versions/7"):
            answer = client.post(f"/v1/models/{missing}:predict", json={"inputs": [1]})
            assert answer.status_code == 404
        gate.set()


def test_not_healthy_if_nothing_watches_the_folder(service, add, folder, monkeypatch):
    async def broken(self, seconds):
        await self.refresh()
        raise RuntimeError

    add("half/123")
    monkeypatch.setattr(Models, "watch", broken)
    with service(folder) as client:
        assert client.get("/healthz").status_code == 503
