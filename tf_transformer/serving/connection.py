"""One HTTP connection, with the time-outs and limits that uvicorn lacks."""

import functools
import http
import json
import logging
import socket
import time

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from tf_transformer.serving.middleware import TOO_MANY
from tf_transformer.serving.settings import ServiceSettings

LOG = logging.getLogger(__name__)
SEND_BUFFER = 1 << 16
PROBE_SECONDS = 0.1
MIN_BYTES_PER_SECOND = 1 << 16  # that a client must read
MAX_UNREAD = 256 << 20  # bytes of answers that all clients together have not read
# connections beyond the maximum that may send a request, and seconds for its headers
MOST_EXCESS, EXCESS_SECONDS = 64, 1.0
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(H11Protocol):
    """Adds time-outs and limits, and answers half-closed connections.

    - A request's headers, and the rest of a body after its answer, must arrive within
      `header_timeout`.
    - On connections beyond `max_connections`, the first request's scope has
      `"is_excess": True`. If there are still more, they get 503 and are closed.
    - A client that reads its answer too slowly is disconnected, as are the slowest ones
      when all unread answers together exceed `MAX_UNREAD`.
    - A client that has closed its half of the connection after a request is answered.
      If it has closed the other half too, the request is dropped.

    Args:
        settings: Limits and time-outs.
        **others: See uvicorn's `H11Protocol`.
    """

    def __init__(self, *, settings: ServiceSettings, **others):
        super().__init__(**others)
        self._settings = settings
        self._seconds = settings.header_timeout
        self._deadline = None
        self._unread_check = None
        self._unread = 0
        self._unread_since = 0.0
        self._probe = None

    def connection_made(self, transport) -> None:
        """Refuses the connection if there are far too many."""
        super().connection_made(transport)
        # a small buffer in the kernel, so that a client that does not read is noticed
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER
        )
        transport.set_write_buffer_limits(0)
        excess = len(self.connections) - self._settings.max_connections
        if excess > 0:
            LOG.warning("too many connections")
            self._seconds = min(EXCESS_SECONDS, self._seconds)
            self.app = functools.partial(_as_excess, self.app)
        if excess > MOST_EXCESS:
            self._refuse(503, TOO_MANY)
        else:
            self._set_deadline()

    def connection_lost(self, exc) -> None:
        """Stops all timers."""
        for timer in (self._deadline, self._unread_check, self._probe):
            if timer:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads a part of a request."""
        super().data_received(data)
        self._set_deadline()

    def on_response_complete(self) -> None:
        """Prepares for the next request."""
        super().on_response_complete()
        self._set_deadline()

    def send_400_response(self, msg: str) -> None:
        """Refuses a request that is not valid HTTP."""
        if self._is_answering():
            self.transport.abort()
        else:
            self._refuse(400, msg)

    def pause_writing(self) -> None:
        """Starts to watch a client that reads the answer too slowly."""
        super().pause_writing()
        self._unread_since = time.monotonic()
        self._watch_reading()
        slow = [c for c in self.connections if c.flow.write_paused]  # pyright: ignore[reportAttributeAccessIssue]
        slow.sort(key=lambda c: c._unread_since)  # pyright: ignore[reportAttributeAccessIssue]
        while (
            slow and sum(c.transport.get_write_buffer_size() for c in slow) > MAX_UNREAD
        ):
            slow.pop(0)._drop("unread answers take too much memory")  # pyright: ignore[reportAttributeAccessIssue]

    def resume_writing(self) -> None:
        """Stops watching the client."""
        if self._unread_check:
            self._unread_check.cancel()
        super().resume_writing()

    def eof_received(self) -> bool | None:
        """Keeps the connection open for the answer to a request that is complete."""
        if not self._is_answering() or self.cycle.more_body:
            return None
        self.cycle.keep_alive = False
        if self._probe is None and self.scope["http_version"] == "1.1":
            # a write distinguishes a half-closed connection from a closed one; every
            # client of HTTP/1.1 skips this message
            if not self.cycle.response_started:
                self.transport.write(CONTINUE)
            self._look_for_reset()
        return True

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _set_deadline(self) -> None:
        """Starts the timer for the rest of a request, or stops it at the end."""
        is_incomplete = (
            self.cycle is None
            or self.conn.their_state is h11.SEND_BODY
            or bool(self.conn.trailing_data[0])
        )
        if self._is_answering() or not is_incomplete:
            if self._deadline:
                self._deadline.cancel()
            self._deadline = None
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._seconds, self.transport.abort)

    def _watch_reading(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        seconds = self._settings.read_timeout
        self._unread_check = self.loop.call_later(seconds, self._check_reading)

    def _check_reading(self) -> None:
        num_read = self._unread - self.transport.get_write_buffer_size()
        if num_read < MIN_BYTES_PER_SECOND * self._settings.read_timeout:
            self._drop("it does not read its answer")
        else:
            self._watch_reading()

    def _look_for_reset(self) -> None:
        connection = self.transport.get_extra_info("socket")
        if self.transport.is_closing():
            return
        if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.transport.abort()
        else:
            self._probe = self.loop.call_later(PROBE_SECONDS, self._look_for_reset)

    def _drop(self, reason: str) -> None:
        details = {"event": "client_dropped", "reason": reason}
        LOG.warning("client dropped", extra={"details": details})
        self.transport.abort()

    def _refuse(self, status: int, message: str) -> None:
        body = json.dumps({"error": message})
        more = "Retry-After: 1\r\n" if status == 503 else ""
        self.transport.write(
            f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n"
            f"{more}"
            f"Connection: close\r\n\r\n{body}".encode("ascii")
        )
        self.transport.close()


async def _as_excess(app, scope, receive, send) -> None:
    scope["is_excess"] = True
    await app(scope, receive, send)
