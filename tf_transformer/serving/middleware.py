"""Middleware: checks, metrics and logs of every request."""

import hmac
import ipaddress
import logging
import time
from collections.abc import Sequence

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
TOO_MANY = "The service is busy: too many connections."
PROTECTED = ("/v1/", "/metrics", "/openapi.json")


def error_response(error: RequestError) -> JSONResponse:
    """The response to a request that is refused."""
    return JSONResponse({"error": error.message}, error.http_status, error.headers)


class MetricsMiddleware:
    """Counts and logs each request, and answers 500 after an unexpected error.

    Endpoints add to `scope["details"]`, which is logged.

    Args:
        app: The application.
        metrics: The metrics to update.
    """

    def __init__(self, app, metrics: Metrics):
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        details = scope["details"] = {"endpoint": "other"}
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
        self.metrics.requests.labels(details["endpoint"], str(status)).inc()
        if "signature" in details:
            labels = details["model"], details["signature"]
            self.metrics.latency.labels(*labels).observe(seconds)
        if scope["path"] not in NOT_LOGGED:
            line = {
                "event": "request",
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "seconds": round(seconds, 4),
                **details,
            }
            LOG.info("request", extra={"details": line})


class ExcessMiddleware:
    """Refuses requests on too many connections, except `/healthz`.

    A busy process must not be restarted, so it has to answer `/healthz`. The connection
    is closed after the answer.

    Args:
        app: The application.
    """

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if not scope.get("is_excess"):
            return await self.app(scope, receive, send)

        async def closing(message):
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        if scope["path"] == "/healthz":
            return await self.app(scope, receive, closing)
        error = RequestError("UNAVAILABLE", TOO_MANY, {"Retry-After": "1"})
        await error_response(error)(scope, receive, closing)


class HostMiddleware:
    """Refuses requests whose `Host` is not an allowed name of this service.

    A web site can make its own name resolve to this machine, and so reach a local
    service from a browser (DNS rebinding). IP addresses and `localhost` cannot be
    abused in this way and are always allowed.

    Args:
        app: The application.
        allowed_hosts: Names without port; "*" allows all.
    """

    def __init__(self, app, allowed_hosts: Sequence[str]):
        self.app = app
        self.allowed_hosts = {"localhost", *(name.lower() for name in allowed_hosts)}

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and not self._is_allowed(_header(scope, "host")):
            name = _hostname(_header(scope, "host"))
            error = RequestError(
                "MISDIRECTED",
                f"The host name is not allowed: {name}. To allow it, start the service "
                f"with --allowed-host {name}",
            )
            return await error_response(error)(scope, receive, send)
        await self.app(scope, receive, send)

    def _is_allowed(self, host: str) -> bool:
        name = _hostname(host).lower()
        return (
            not host  # not a browser
            or name in self.allowed_hosts
            or "*" in self.allowed_hosts
            or _is_address(name)
        )


class CrossSiteMiddleware:
    """Refuses POST requests of other sites that a browser sends without a preflight.

    Browsers send plain text and forms to other sites without a preflight request, so
    any web site could use a local service. Requests of other sites must
    be `application/json`, which needs a preflight request, or come from an allowed
    origin. Requests without `Origin`, for example from curl, may have any content type.

    Args:
        app: The application.
        allowed_origins: Origins such as "https://example.org"; "*" allows all.
    """

    def __init__(self, app, allowed_origins: Sequence[str]):
        self.app = app
        self.allowed_origins = set(allowed_origins)

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and not self._is_allowed(scope):
            error = RequestError(
                "UNSUPPORTED_MEDIA_TYPE",
                "A request from another site must have the header Content-Type: "
                "application/json",
            )
            return await error_response(error)(scope, receive, send)
        await self.app(scope, receive, send)

    def _is_allowed(self, scope) -> bool:
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return True
        content_type = _header(scope, "content-type").split(";")[0].strip().lower()
        if content_type == "application/json":
            return True
        origin = _header(scope, "origin")
        if not origin:
            return _header(scope, "sec-fetch-site") in ("", "same-origin", "none")
        is_own = origin.partition("://")[2].lower() == _header(scope, "host").lower()
        return is_own or not self.allowed_origins.isdisjoint((origin, "*"))


class AuthenticationMiddleware:
    """Requires the token, except for health and the page.

    Args:
        app: The application.
        token: The secret; `None` if no token is required.
    """

    def __init__(self, app, token: str | None):
        self.app = app
        self.token = token and token.encode()

    async def __call__(self, scope, receive, send):
        if (
            self.token
            and scope["type"] == "http"
            and scope["path"].startswith(PROTECTED)
        ):
            scheme, _, token = _header(scope, "authorization").partition(" ")
            is_right = hmac.compare_digest(token.encode("latin-1"), self.token)  # pyright: ignore[reportArgumentType, reportCallIssue]
            if scheme.lower() != "bearer" or not is_right:
                error = RequestError(
                    "UNAUTHENTICATED",
                    "A token is needed: Authorization: Bearer TOKEN",
                    {"WWW-Authenticate": "Bearer"},
                )
                return await error_response(error)(scope, receive, send)
        await self.app(scope, receive, send)


def _header(scope, name: str) -> str:
    return Headers(scope=scope).get(name, "")


def _hostname(host: str) -> str:
    """A `Host` header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
