"""The doors of the service: what is answered where."""

import asyncio

import numpy as np
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from tf_transformer.serving.address import Address, read_address
from tf_transformer.serving.batcher import Batcher
from tf_transformer.serving.errors import RequestError, invalid
from tf_transformer.serving.json_document import (
    check_examples,
    read_document,
    signature_name,
)
from tf_transformer.serving.json_inputs import read_inputs
from tf_transformer.serving.json_outputs import write_outputs
from tf_transformer.serving.metrics import Metrics
from tf_transformer.serving.models import Models
from tf_transformer.serving.settings import ServiceSettings

KINDS = {"classify": "classification", "regress": "regression"}


class Doors:
    """Answers requests under `/v1/`.

    Args:
        models: What is served.
        batcher: Computes.
        settings: Limits.
        metrics: Where sentences are counted.
    """

    def __init__(
        self,
        models: Models,
        batcher: Batcher,
        settings: ServiceSettings,
        metrics: Metrics,
    ):
        self._models = models
        self._batcher = batcher
        self._settings = settings
        self._metrics = metrics

    async def answer(self, request: Request) -> Response:
        """The answer to a request.

        Raises:
            RequestError: If it is an error.
        """
        path = request.scope["raw_path"].decode("latin-1")
        address = read_address(request.method, path)
        details = request.scope["details"]
        details["door"] = address.door
        if address.door == "models":
            return JSONResponse(self._models.listing())
        details["model"] = address.model
        if address.door == "status":
            return JSONResponse(self._models.status(address.model, address.version))
        if address.door == "metadata":
            with self._models.lease(*address[1:]) as loaded:
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
        document = read_document(body)
        name = signature_name(document)
        if address.door != "predict":
            check_examples(document)
        with self._models.lease(*address[1:]) as loaded:
            if address.door != "predict":
                raise _wrong_method(address.door, name, loaded)
            signature = loaded.signature(name)
            row_form, arrays = read_inputs(document, signature.inputs)
            signature.check(arrays)
            details |= {"version": loaded.version, "signature": signature.name}
            details |= self._size(signature.num_rows(arrays), arrays)
            outputs = await self._batcher.compute(signature, arrays)
        if self._settings.log_text:
            details |= {"inputs": _texts(arrays), "outputs": _texts(outputs)}
        self._metrics.sentences.labels(address.model).inc(details["sentences"])
        self._metrics.characters.labels(address.model).inc(details["characters"])
        written = await asyncio.to_thread(write_outputs, outputs, row_form)
        return Response(written, media_type="application/json")

    def _size(self, num_sentences: int, arrays: dict[str, np.ndarray]) -> dict:
        """The numbers of sentences and of characters, if they are not too many."""
        if num_sentences > self._settings.max_sentences:
            raise invalid(
                "A request may hold at most "
                f"{self._settings.max_sentences} sentences. Received: {num_sentences}"
            )
        lengths = [len(text) for texts in _texts(arrays).values() for text in texts]
        if max(lengths, default=0) > self._settings.max_characters:
            raise invalid(
                "A sentence may have at most "
                f"{self._settings.max_characters} characters. Received: {max(lengths)}"
            )
        return {"sentences": num_sentences, "characters": sum(lengths)}


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request, if it is not too long.

    Raises:
        RequestError: If it has more than `most` bytes, or the client goes away.
    """
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdecimal() else 0
    chunks = []
    try:
        if size <= most:
            size = 0
            async for chunk in request.stream():
                chunks.append(chunk)
                size += len(chunk)
                if size > most:
                    break
    except ClientDisconnect as error:
        raise _gone() from error
    if size > most:
        raise RequestError(
            "TOO_LARGE",
            f"The body of a request may have at most {most} bytes.",
            {"Connection": "close"},
        )
    return b"".join(chunks)


async def unless_gone(request: Request, work):
    """Awaits `work`, or cancels it when the client hangs up.

    Raises:
        RequestError: If the client does.
    """
    # after the body, the only message that can come is that the client has gone
    tasks = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            return tasks[0].result()
        raise _gone()
    finally:
        for task in tasks:
            task.cancel()


def _gone() -> RequestError:
    return RequestError("CANCELLED", "The client has gone.")


def _wrong_method(door: str, name: str, loaded) -> RequestError:
    """Why a model without such a signature does not classify or regress."""
    name = name or "serving_default"
    if name not in loaded.definitions:
        return invalid(f"No signature was found with the name: {name}")
    return invalid(
        f"Expected {KINDS[door]} signature method_name to be "
        f"tensorflow/serving/{door}. Was: {loaded.definitions[name].method_name}"
    )


def _texts(arrays: dict[str, np.ndarray]) -> dict[str, list[str]]:
    return {
        name: [value.decode(errors="replace") for value in array.flat]
        for name, array in arrays.items()
        if array.dtype == object
    }
