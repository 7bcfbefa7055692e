"""Tests that need real connections."""

import contextlib
import http.client
import json
import socket
import threading
import time

import numpy as np
import pytest

from tests.serving.patience import until
from tests.serving.rest_requests import PREDICT
from tf_transformer.serving.signature import Signature


@pytest.fixture
def gate(monkeypatch):
    """Blocks every computation until it is set; `gate.texts` are the computed texts."""
    gate = threading.Event()
    gate.texts = []
    compute = Signature.__call__

    def at_gate(self, arrays):
        texts = arrays["text"].tolist() if "text" in arrays else []
        if texts not in ([], [b"a b"]):  # the warm-up's
            gate.texts.extend(texts)
            gate.wait(20)
        return compute(self, arrays)

    monkeypatch.setattr(Signature, "__call__", at_gate)
    yield gate
    gate.set()


def connect(port):
    return http.client.HTTPConnection("127.0.0.1", port, timeout=20)


def send(port, text):
    """A connection on which a request has been sent."""
    connection = connect(port)
    connection.request("POST", PREDICT, json.dumps({"inputs": [text]}))
    return connection


def received(connection):
    """Status and JSON of the answer; the connection is closed."""
    with contextlib.closing(connection):
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def waiting(port):
    with contextlib.closing(connect(port)) as connection:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode()
    (line,) = [x for x in page.splitlines() if x.startswith("tf_transformer_queue_s")]
    return float(line.split()[1])


def test_requests_of_disconnected_clients_are_dropped(listening, add, folder, gate):
    add("words/3")
    with listening(folder) as (port, _):
        first = send(port, "first")
        until(lambda: gate.texts)
        leaving, staying = send(port, "leaving"), send(port, "staying")
        until(lambda: waiting(port) == 2)
        leaving.sock.shutdown(socket.SHUT_RDWR)
        leaving.close()
        until(lambda: waiting(port) == 1)
        gate.set()
        assert received(first)[0] == received(staying)[0] == 200
    assert gate.texts == [b"first", b"staying"]


def test_the_service_answers_while_it_computes(listening, add, folder, gate):
    add("words/3")
    with listening(folder) as (port, _):
        computing = send(port, "text")
        until(lambda: gate.texts)
        with contextlib.closing(connect(port)) as connection:
            for path in ("/healthz", "/readyz", "/v1/models/words", "/"):
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200
        gate.set()
        assert received(computing)[0] == 200


def test_a_stop_finishes_what_was_accepted(listening, add, folder, gate):
    add("words/3")
    with listening(folder) as (port, server):
        accepted = [send(port, text) for text in ("a", "b", "c")]
        until(lambda: gate.texts and waiting(port) + len(gate.texts) == 3)
        server.should_exit = True
        time.sleep(0.2)
        gate.set()
        found = [received(connection) for connection in accepted]
    translations = [answer["outputs"]["translation"] for _, answer in found]
    assert translations == [["A3"], ["B3"], ["C3"]]
    with pytest.raises(ConnectionRefusedError):
        send(port, "too late")


@pytest.mark.moderate
def test_a_new_version_takes_over_under_load_without_a_lost_request(
    listening, add, folder
):
    add("words/2")
    answers = []
    stop = threading.Event()

    def client(port):
        while not stop.is_set():
            answers.append(received(send(port, "a")))

    with listening(folder) as (port, _):
        threads = [threading.Thread(target=client, args=(port,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(answers) > 20)
        add("words/3")
        until(lambda: answers[-1][1] == OF_VERSION[3])
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for status, _ in answers} == {200}
    found = [answer["outputs"]["translation"][0] for _, answer in answers]
    assert set(found) == {"A2", "A3"}


OF_VERSION = {
    n: {"outputs": {"translation": [f"A{n}"], "score": [1.0]}} for n in (2, 3)
}


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(
    listening, add, folder, closing
):
    add("words/3")
    with listening(folder, max_body=1000) as (port, _):
        connection = closing(connect(port))
        connection.putrequest("POST", PREDICT)
        connection.putheader("Content-Length", str(10**12))
        connection.endheaders(b"{")
        answer = closing(connection.getresponse())
        assert answer.status == 413
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_client_that_sends_a_body_beyond_the_limit_reads_the_answer(
    listening, add, folder, is_declared
):
    """More than the buffers of sockets can store, sent before anything is read."""
    add("words/3")
    pieces = [b"a" * 4096] * (8 * 256)
    with listening(folder) as (port, _):
        for _ in range(5):
            with contextlib.closing(connect(port)) as connection:
                body = b"".join(pieces) if is_declared else iter(pieces)
                connection.request("POST", PREDICT, body)
                answer = connection.getresponse()
                assert answer.status == 413
                assert b"at most 1048576 bytes" in answer.read()


def test_a_client_that_leaves_within_its_body_is_no_failure(listening, add, folder):
    add("words/3")
    with listening(folder) as (port, _):
        connection = connect(port)
        connection.putrequest("POST", PREDICT)
        connection.putheader("Content-Length", "100")
        connection.endheaders(b'{"inputs"')
        connection.close()
        assert received(send(port, "a")) == (200, OF_VERSION[3])


def test_many_clients_get_their_own_answers(listening, add, folder):
    """Texts of several lengths through a small batch size: nothing is mixed up."""
    add("words/3")
    generator = np.random.default_rng(4)
    texts = ["x" * int(generator.integers(0, 60)) + str(i) for i in range(120)]
    answers = {}

    def client(port, own):
        for text in own:
            answers[text] = received(send(port, text))

    with listening(folder, batch_size=7) as (port, _):
        threads = [
            threading.Thread(target=client, args=(port, texts[i::12]))
            for i in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for text in texts:
        assert answers[text] == (
            200,
            {"outputs": {"translation": [text.upper() + "3"], "score": [len(text)]}},
        )
