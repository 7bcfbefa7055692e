"""What every request passes on its way in, and every answer on its way out."""

import hmac
import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.metrics import Metrics

LOG = logging.getLogger(__name__)
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
NOT_LOGGED = ("/healthz", "/readyz", "/metrics")
GUARDED = ("/v1/", "/metrics", "/openapi.json")


def error_response(error: RequestError) -> JSONResponse:
    """The answer that tells an error."""
    return JSONResponse({"error": error.message}, error.http_status, error.headers)


class Observed:
    """Counts and logs each request, and answers 500 if the code fails.

    Doors put what is to be logged into `scope["details"]`.

    Args:
        app: The application.
        metrics: Where requests are counted.
    """

    def __init__(self, app, metrics: Metrics):
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        details = scope["details"] = {"door": "other"}
        started, status = time.monotonic(), None

        async def sending(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception:
            LOG.exception("failed", extra={"details": {"event": "failed", **details}})
            if status is None:
                error = RequestError("INTERNAL", "The service failed. See its log.")
                await error_response(error)(scope, receive, sending)
        seconds = time.monotonic() - started
        self.metrics.requests.labels(details["door"], str(status)).inc()
        if "signature" in details:
            labels = details["model"], details["signature"]
            self.metrics.latency.labels(*labels).observe(seconds)
        if scope["path"] not in NOT_LOGGED:
            told = {
                "event": "request",
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "seconds": round(seconds, 4),
                **details,
            }
            LOG.info("request", extra={"details": told})


class Guarded:
    """Lets only those in who bring the token; health and the page are for everybody.

    Args:
        app: The application.
        token: The secret; `None` opens all doors.
    """

    def __init__(self, app, token: str | None):
        self.app = app
        self.expected = token and f"Bearer {token}".encode()

    async def __call__(self, scope, receive, send):
        if (
            self.expected
            and scope["type"] == "http"
            and scope["path"].startswith(GUARDED)
        ):
            brought = Headers(scope=scope).get("authorization", "").encode("latin-1")
            if not hmac.compare_digest(brought, self.expected):
                error = RequestError(
                    "UNAUTHENTICATED",
                    "A token is needed: Authorization: Bearer TOKEN",
                    {"WWW-Authenticate": "Bearer"},
                )
                return await error_response(error)(scope, receive, send)
        await self.app(scope, receive, send)
