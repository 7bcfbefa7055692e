"""The service as an ASGI application."""

import asyncio
import contextlib
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tf_transformer.serving.batcher import Batchers
from tf_transformer.serving.endpoints import Endpoints
from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.health import Health
from tf_transformer.serving.metrics import Metrics
from tf_transformer.serving.middleware import (
    AuthenticationMiddleware,
    CrossSiteMiddleware,
    ExcessMiddleware,
    HostMiddleware,
    MetricsMiddleware,
    error_response,
)
from tf_transformer.serving.models import Models
from tf_transformer.serving.settings import ServiceSettings

HERE = Path(__file__).parent
ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def make_app(models: Models, settings: ServiceSettings | None = None) -> Starlette:
    """The service for a folder of models.

    Args:
        models: The models to serve. The application updates them while it runs.
        settings: Limits and delays. Defaults to `ServiceSettings()`.
    """
    settings = settings or ServiceSettings()
    metrics = Metrics()
    batchers = Batchers(settings, metrics)
    endpoints = Endpoints(models, batchers, settings, metrics)
    health = Health(models, batchers)

    @contextlib.asynccontextmanager
    async def lifespan(app):
        health.watching = asyncio.create_task(models.watch(settings.poll_seconds))
        yield
        health.watching.cancel()
        await asyncio.wait([health.watching])

    async def numbers(request):
        return Response(metrics.page(), headers={"Content-Type": METRICS_TYPE})

    async def description(request):
        return FileResponse(HERE / "openapi.json")

    return Starlette(
        routes=[
            Route("/v1/{rest:path}", endpoints.answer, methods=ALL_METHODS),
            Route("/healthz", health.alive),
            Route("/readyz", health.ready),
            Route("/readyz/{name}", health.model_ready),
            Route("/metrics", numbers),
            Route("/openapi.json", description),
            Mount("/", StaticFiles(directory=HERE / "page", html=True)),
        ],
        middleware=_middleware(settings, metrics),
        exception_handlers={RequestError: _refused, HTTPException: _http_error},  # pyright: ignore[reportArgumentType]
        lifespan=lifespan,
    )


def _middleware(settings: ServiceSettings, metrics: Metrics) -> list[Middleware]:
    origins = settings.allowed_origins
    cors = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Encoding", "Content-Type"],
        expose_headers=["Retry-After"],
    )
    return [
        Middleware(MetricsMiddleware, metrics=metrics),
        *([cors] if origins else []),
        Middleware(ExcessMiddleware),
        Middleware(HostMiddleware, allowed_hosts=settings.allowed_hosts),
        Middleware(CrossSiteMiddleware, allowed_origins=origins),
        Middleware(AuthenticationMiddleware, token=settings.token),
    ]


async def _refused(request, error: RequestError) -> JSONResponse:
    return error_response(error)


async def _http_error(request, error: HTTPException) -> JSONResponse:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
