"""The service as an ASGI application."""

import asyncio
import contextlib
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tf_transformer.serving.batcher import Batcher
from tf_transformer.serving.doors import Doors
from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.metrics import Metrics
from tf_transformer.serving.middleware import Guarded, Observed, error_response
from tf_transformer.serving.models import Models
from tf_transformer.serving.settings import ServiceSettings

HERE = Path(__file__).parent
ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def make_app(models: Models, settings: ServiceSettings | None = None) -> Starlette:
    """The service for a folder of models.

    Args:
        models: What is served. The application keeps it up to date while it runs.
        settings: Limits and delays. Defaults to `ServiceSettings()`.
    """
    settings = settings or ServiceSettings()
    metrics = Metrics()
    batcher = Batcher(settings, metrics)
    doors = Doors(models, batcher, settings, metrics)
    tasks: list[asyncio.Task] = []

    @contextlib.asynccontextmanager
    async def running(app):
        tasks.append(asyncio.create_task(models.watch(settings.poll_seconds)))
        tasks.append(asyncio.create_task(batcher.work()))
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(batcher.close)

    async def health(request):
        return _state(not any(task.done() for task in tasks), "ok", "stopped")

    async def readiness(request):
        return _state(models.ready, "ready", "no model answers yet")

    async def numbers(request):
        return Response(metrics.page(), headers={"Content-Type": METRICS_TYPE})

    async def description(request):
        return FileResponse(HERE / "openapi.json")

    return Starlette(
        routes=[
            Route("/v1/{rest:path}", doors.answer, methods=ALL_METHODS),
            Route("/healthz", health),
            Route("/readyz", readiness),
            Route("/metrics", numbers),
            Route("/openapi.json", description),
            Mount("/", StaticFiles(directory=HERE / "page", html=True)),
        ],
        middleware=[
            Middleware(Observed, metrics=metrics),
            Middleware(Guarded, token=settings.token),
        ],
        exception_handlers={RequestError: _refused, HTTPException: _no_door},
        lifespan=running,
    )


def _state(is_good: bool, good: str, bad: str) -> JSONResponse:
    return JSONResponse({"status": good if is_good else bad}, 200 if is_good else 503)


async def _refused(request, error: RequestError) -> JSONResponse:
    return error_response(error)


async def _no_door(request, error: HTTPException) -> JSONResponse:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
