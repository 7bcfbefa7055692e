"""The health of the process and of its models."""

import asyncio

from starlette.responses import JSONResponse

from tf_transformer.serving.batcher import Batchers
from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.models import Models


class Health:
    """The endpoints `/healthz` and `/readyz`.

    Args:
        models: The models.
        batchers: The batchers of the models.
    """

    def __init__(self, models: Models, batchers: Batchers):
        self.models = models
        self.batchers = batchers
        self.watching: asyncio.Task | None = None

    def model_states(self) -> dict[str, str]:
        """For each model "ready", "stuck" in a computation, or "not loaded"."""
        return {name: self._state(name) for name in self.models.names()}

    def _state(self, name: str) -> str:
        loaded = self.models.highest(name)
        if loaded is None:
            return "not loaded"
        return "stuck" if self.batchers.is_stuck(loaded) else "ready"

    async def alive(self, request) -> JSONResponse:
        """Answers 503 if the process must be restarted."""
        states = set(self.model_states().values()) - {"not loaded"}
        if self.watching is None or self.watching.done():
            return _response(False, "stopped")
        is_alive = states != {"stuck"}
        return _response(is_alive, "ok" if is_alive else "all models are stuck")

    async def ready(self, request) -> JSONResponse:
        """Answers 503 until each model was tried, and while no model answers."""
        states = self.model_states()
        is_ready = self.models.has_looked and "ready" in states.values()
        status = "ready" if is_ready else "no model answers"
        if not self.models.has_looked:
            status = "models are still being loaded"
        return _response(is_ready, status, models=states)

    async def model_ready(self, request) -> JSONResponse:
        """Answers 503 while this model does not answer; 404 if it does not exist."""
        name = request.path_params["name"]
        if self.models.has_looked and name not in self.models.names():
            raise RequestError("NOT_FOUND", f"There is no model {name!r}.")
        state = self._state(name)
        return _response(state == "ready", state)


def _response(is_good: bool, status: str, **more) -> JSONResponse:
    return JSONResponse({"status": status, **more}, 200 if is_good else 503)
