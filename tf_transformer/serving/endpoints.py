"""The endpoints under `/v1/`."""

import asyncio
import functools

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tf_transformer.serving.address import Address, read_address
from tf_transformer.serving.batcher import Batchers
from tf_transformer.serving.body import client_gone, read_body
from tf_transformer.serving.errors import RequestError, invalid
from tf_transformer.serving.json_document import (
    check_examples,
    read_document,
    signature_name,
)
from tf_transformer.serving.json_inputs import count_rows, read_inputs
from tf_transformer.serving.json_outputs import write_outputs
from tf_transformer.serving.large_bodies import LargeBodies
from tf_transformer.serving.metrics import Metrics
from tf_transformer.serving.models import Models
from tf_transformer.serving.settings import ServiceSettings
from tf_transformer.serving.signature import Signature
from tf_transformer.serving.threads import in_thread

KINDS = {"classify": "classification", "regress": "regression"}


class Endpoints:
    """Answers requests under `/v1/`.

    Args:
        models: The models.
        batchers: The batchers of the models.
        settings: Limits.
        metrics: The metrics, which count sentences.
    """

    def __init__(
        self,
        models: Models,
        batchers: Batchers,
        settings: ServiceSettings,
        metrics: Metrics,
    ):
        self._models = models
        self._batchers = batchers
        self._settings = settings
        self._metrics = metrics
        self._bodies = LargeBodies()

    async def answer(self, request: Request) -> Response:
        """Answers a request.

        Raises:
            RequestError: If the answer is an error.
        """
        path = request.scope["raw_path"].decode("latin-1")
        address = read_address(request.method, path)
        details = request.scope["details"]
        details["endpoint"] = address.endpoint
        if address.endpoint == "models":
            return JSONResponse(self._models.listing())
        details["model"] = address.model
        if address.endpoint == "status":
            return JSONResponse(self._models.status(address.model, address.version))  # pyright: ignore[reportArgumentType]
        if address.endpoint == "metadata":
            with self._models.lease(*address[1:]) as loaded:  # pyright: ignore[reportArgumentType]
                return JSONResponse(loaded.metadata())
        try:
            async with asyncio.timeout(self._settings.timeout):
                body = await read_body(request, self._settings.max_body)
                work = self._compute(address, body, details)
                return await unless_gone(request, work)
        except TimeoutError as error:
            raise RequestError(
                "DEADLINE_EXCEEDED",
                f"The request took longer than {self._settings.timeout:g} seconds.",
            ) from error

    async def _compute(self, address: Address, body: bytes, details: dict) -> Response:
        call = functools.partial(self._bodies.call, len(body))
        document = await call(_read_document, body, address.endpoint)
        name = signature_name(document)
        with self._models.lease(*address[1:]) as loaded:  # pyright: ignore[reportArgumentType]
            if address.endpoint != "predict":
                raise _wrong_method(address.endpoint, name, loaded)
            signature = loaded.signature(name)
            row_form, arrays, sizes = await call(self._read, document, signature)
            details |= {"version": loaded.version, "signature": signature.name, **sizes}
            batcher = self._batchers.batcher(loaded)
            outputs = await batcher.compute(signature, arrays)
        if self._settings.log_text:
            details |= {"inputs": _texts(arrays), "outputs": _texts(outputs)}
        written = await in_thread(write_outputs, outputs, row_form)
        self._metrics.sentences.labels(address.model).inc(details["sentences"])
        self._metrics.characters.labels(address.model).inc(details["characters"])
        return Response(written, media_type="application/json")

    def _read(
        self, document: dict, signature: Signature
    ) -> tuple[bool, dict[str, np.ndarray], dict[str, int]]:
        """The inputs of a request; see `read_inputs`; and its sizes for the log."""
        num_rows = count_rows(document, signature.inputs)
        if num_rows > self._settings.max_sentences:
            raise invalid(
                "A request may contain at most "
                f"{self._settings.max_sentences} sentences. Received: {num_rows}"
            )
        row_form, arrays = read_inputs(document, signature.inputs)
        signature.check(arrays)
        lengths = [len(text) for texts in _texts(arrays).values() for text in texts]
        if max(lengths, default=0) > self._settings.max_characters:
            raise invalid(
                "A sentence may have at most "
                f"{self._settings.max_characters} characters. Received: {max(lengths)}"
            )
        num_rows = signature.num_rows(arrays)
        return row_form, arrays, {"sentences": num_rows, "characters": sum(lengths)}


def _read_document(body: bytes, endpoint: str) -> dict:
    document = read_document(body)
    if endpoint != "predict":
        signature_name(document)
        check_examples(document)
    return document


async def unless_gone(request: Request, work):
    """Awaits `work`, or cancels it when the client disconnects.

    Raises:
        RequestError: If the client disconnects.
    """
    # after the body, the only possible message is that the client has disconnected
    tasks = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            return tasks[0].result()
        raise client_gone()
    finally:
        for task in tasks:
            task.cancel()


def _wrong_method(endpoint: str, name: str, loaded) -> RequestError:
    """Returns the error for a model without a signature for `classify` or `regress`."""
    name = name or "serving_default"
    if name not in loaded.definitions:
        return invalid(f"No signature was found with the name: {name}")
    return invalid(
        f"Expected {KINDS[endpoint]} signature method_name to be "
        f"tensorflow/serving/{endpoint}. Was: {loaded.definitions[name].method_name}"
    )


def _texts(arrays: dict[str, np.ndarray]) -> dict[str, list[str]]:
    return {
        name: [value.decode(errors="replace") for value in array.flat]
        for name, array in arrays.items()
        if array.dtype == object
    }
