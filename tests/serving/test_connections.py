"""Slow, idle, many and disconnected clients: the service stays reachable."""

import contextlib
import http.client
import io
import json
import socket
import threading
import time

import numpy as np
import pytest

from tests.serving.patience import until
from tests.serving.rest_requests import PREDICT
from tf_transformer.serving import connection as connection_module
from tf_transformer.serving.signature import Signature

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
METRICS = HEALTH.replace(b"/healthz", b"/metrics").replace(
    b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"
)


def predict_bytes(text, version=b"1.1"):
    body = json.dumps({"inputs": [text]}).encode()
    head = b"POST %s HTTP/%s\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    return head % (PREDICT.encode(), version, len(body)) + body


@pytest.fixture
def connect(closing):
    """A function that connects and sends data."""

    def connect(port, data=b""):
        connection = closing(socket.create_connection(("127.0.0.1", port), timeout=20))
        connection.sendall(data)
        return connection

    return connect


def everything(connection):
    """What is received until the service closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return received


def is_answering(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200


@pytest.mark.parametrize("data", [b"", HEALTH[:-2], b"\r\n", HEALTH + HEALTH[:9]])
def test_headers_that_never_end_are_cut(listening, add, folder, data, connect):
    add("half/123")
    seconds = 2 if HEALTH in data else 0.2  # time enough to send a request
    with listening(folder, header_timeout=seconds, idle_timeout=60) as (port, _):
        assert everything(connect(port, data)).count(b"200 OK") == data.count(HEALTH)


def test_a_header_sent_byte_by_byte_has_no_more_time(listening, add, folder, connect):
    add("half/123")
    with listening(folder, header_timeout=0.3, idle_timeout=60) as (port, _):
        connection = connect(port)
        started = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - started < 30:
                connection.sendall(b"G")
                time.sleep(0.02)


def test_a_body_that_never_ends_is_cut_after_the_answer(
    listening, add, folder, connect
):
    add("half/123")
    with listening(folder, header_timeout=2, idle_timeout=60) as (port, _):
        head = (
            b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{"
        )
        assert b" 405 " in everything(connect(port, head))


def test_an_idle_connection_is_closed_and_a_used_one_is_kept(
    listening, add, folder, connect
):
    add("half/123")
    with listening(folder, header_timeout=60, idle_timeout=1.0) as (port, _):
        for _ in range(20):  # a busy machine may itself be idle for too long
            connection, times = connect(port, HEALTH), [time.monotonic()]
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(4):
                    time.sleep(0.3)
                    connection.sendall(HEALTH)
                    times.append(time.monotonic())
            received = everything(connection)
            if len(times) == 5 and max(np.diff(times)) < 0.9:
                break
        assert received.count(b"200 OK") == 5


def test_connections_beyond_the_limit_are_refused(
    listening, add, folder, connect, monkeypatch
):
    monkeypatch.setattr(connection_module, "EXCESS_SECONDS", 60)
    add("half/123")
    with listening(folder, max_connections=3, header_timeout=60) as (port, server):
        waiting = [connect(port) for _ in range(3)]
        until(lambda: len(server.server_state.connections) == 3)
        received = everything(connect(port, predict_bytes("a")))
        assert_busy(received)
        assert b"\r\nconnection: close\r\n" in received.lower()
        # a busy process must not be restarted
        assert everything(connect(port, HEALTH)).startswith(b"HTTP/1.1 200 ")
        waiting.pop().close()
        until(lambda: len(server.server_state.connections) == 2)
        assert is_answering(port)
        page = everything(connect(port, METRICS))
        assert b'requests_total{endpoint="other",status="503"} 1.0' in page


def test_connections_far_beyond_the_limit_may_send_nothing(
    listening, add, folder, connect, monkeypatch
):
    monkeypatch.setattr(connection_module, "MOST_EXCESS", 1)
    monkeypatch.setattr(connection_module, "EXCESS_SECONDS", 60)
    add("half/123")
    with listening(folder, max_connections=1, header_timeout=60) as (port, server):

        def number():
            return len(server.server_state.connections)

        waiting = [connect(port) for _ in range(2)]
        until(lambda: number() == 2)
        assert_busy(everything(connect(port)))
        waiting.pop().close()
        until(lambda: number() == 1)
        assert everything(connect(port, HEALTH)).startswith(b"HTTP/1.1 200 ")
        until(lambda: number() == 1)
        monkeypatch.setattr(connection_module, "EXCESS_SECONDS", 0.2)
        assert everything(connect(port)) == b""  # does not wait for `header_timeout`


def assert_busy(received):
    assert received.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 1\r\n" in received.lower()
    body = {"error": "The service is busy: too many connections."}
    assert json.loads(received.partition(b"\r\n\r\n")[2]) == body


def test_requests_that_are_not_http_are_refused_as_json(
    listening, add, folder, connect
):
    add("half/123")
    with listening(folder) as (port, _):
        received = everything(connect(port, b"\x16\x03\x01\x02\r\n\r\n"))
        assert received.startswith(b"HTTP/1.1 400 ")
        assert b'{"error": "' in received


@pytest.fixture
def ask_for_much(closing):
    """A function that asks for a large answer and does not read it."""

    def ask_for_much(port):
        connection = closing(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.sendall(HEALTH.replace(b"/healthz", b"/v1/models"))
        return connection

    return ask_for_much


@pytest.fixture
def large_answers(monkeypatch):
    """Makes `GET /v1/models` answer 8 MB."""
    listing = {"models": ["x" * (8 << 20)]}
    monkeypatch.setattr(
        "tf_transformer.serving.models.Models.listing", lambda self: listing
    )


def test_clients_that_do_not_read_are_dropped(
    listening, add, folder, large_answers, ask_for_much
):
    add("half/123")
    with listening(folder, read_timeout=0.3, idle_timeout=0.1) as (port, server):
        for _ in range(3):
            ask_for_much(port)
        until(lambda: server.server_state.total_requests == 3)
        until(lambda: not server.server_state.connections)
        assert is_answering(port)


def test_a_client_that_reads_slowly_gets_all(
    listening, add, folder, large_answers, monkeypatch, ask_for_much
):
    monkeypatch.setattr(connection_module, "MIN_BYTES_PER_SECOND", 1 << 10)
    add("half/123")
    with listening(folder, read_timeout=2, idle_timeout=0.1) as (port, _):
        connection, size = ask_for_much(port), 0
        connection.settimeout(60)
        while part := connection.recv(1 << 20):
            size += len(part)
            time.sleep(0.002)
        assert size > 8 << 20


def test_unread_answers_together_are_bounded(
    listening, add, folder, large_answers, monkeypatch, ask_for_much
):
    monkeypatch.setattr(connection_module, "MAX_UNREAD", 20 << 20)
    add("half/123")
    with listening(folder, read_timeout=60) as (port, server):
        clients = [ask_for_much(port) for _ in range(6)]

        def unread():
            connections = list(server.server_state.connections)
            return sum(c.transport.get_write_buffer_size() for c in connections)

        until(lambda: server.server_state.total_requests == 6)
        # a dropped connection is forgotten a moment later
        until(lambda: len(server.server_state.connections) < 6)
        assert 0 < unread() <= 20 << 20
        for client in clients:  # otherwise the service waits for them at its end
            client.close()


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_a_client_that_closes_its_half_gets_its_answer(
    listening, add, folder, monkeypatch, version, connect
):
    entered, gate = threading.Event(), threading.Event()
    compute = Signature.__call__

    def at_gate(self, arrays):
        if self.name == "serving_default" and arrays["text"].tolist() == [b"mine"]:
            entered.set()
            gate.wait(20)
        return compute(self, arrays)

    add("words/3")
    monkeypatch.setattr(Signature, "__call__", at_gate)
    with listening(folder) as (port, _):
        connection = connect(port, predict_bytes("mine", version))
        connection.shutdown(socket.SHUT_WR)
        assert entered.wait(20)
        time.sleep(0.5)  # longer than the time to notice that a client has disconnected
        gate.set()
        received = everything(connection)
    assert b"MINE3" in received
    assert received.count(b"100 Continue") == (1 if version == b"1.1" else 0)
    # a usual client skips what asks whether it is still there
    answer = http.client.HTTPResponse(FakeSocket(received))
    answer.begin()
    assert answer.status == 200


class FakeSocket:
    """What `http.client` reads from."""

    def __init__(self, data):
        self.data = data

    def makefile(self, mode):
        return io.BytesIO(self.data)
