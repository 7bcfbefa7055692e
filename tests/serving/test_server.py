"""What `serve` prepares before the HTTP server runs."""

import gc
import signal

import pytest
import uvicorn

from tf_transformer.serving import server
from tf_transformer.serving.settings import ServiceSettings


@pytest.fixture
def serve(exports, monkeypatch):
    """A function that serves `exports` and calls a function instead of the server."""
    monkeypatch.setattr(server, "set_up_logs", lambda log_text: None)
    handler = signal.getsignal(signal.SIGTERM)

    def serve(run):
        monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: run(self))
        server.serve(str(exports), "127.0.0.1", 0, ServiceSettings())

    yield serve
    signal.signal(signal.SIGTERM, handler)


def test_objects_of_libraries_are_no_garbage(serve):
    gc.unfreeze()
    frozen = []
    serve(lambda self: frozen.append(gc.get_freeze_count()))
    assert frozen[0] > 10_000


def test_a_signal_before_the_server_runs_is_not_lost(serve):
    ends = []

    def run(self):
        signal.raise_signal(signal.SIGTERM)
        ends.append(self.should_exit)

    serve(run)
    assert ends == [True]
