"""One version of a model, loaded into memory."""

import asyncio
import functools
import logging
import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2

from tf_transformer.serving.errors import RequestError, invalid
from tf_transformer.serving.signature import Signature
from tf_transformer.serving.threads import in_thread

DEFAULT_SIGNATURE = "serving_default"
LOG = logging.getLogger(__name__)


class LoadedVersion:
    """A SavedModel that answers requests.

    Args:
        name: The model's name.
        version: Its version.
        path: The folder with `saved_model.pb`.

    Raises:
        Exception: Any error of TensorFlow for a broken folder.
    """

    def __init__(self, name: str, version: int, path: Path):
        self.name = name
        self.version = version
        self.definitions = _signature_definitions(path)
        # keep a reference: the signatures do not keep the variables alive
        self._saved_model = tf.saved_model.load(str(path), tags=["serve"])
        is_row_wise = _is_export_of_this_package(self.definitions)
        self.signatures = {
            name: Signature(name, self.definitions[name], function, is_row_wise)
            for name, function in self._saved_model.signatures.items()
        }
        if not self.signatures:
            raise ValueError(f"The SavedModel has no signature. Received: {path}")

    def warm_up(
        self,
        batches: Sequence[list[str]] = (),
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Calls each signature once; a signature that refuses the example is skipped.

        Args:
            batches: Texts for the signatures whose only input is a vector of texts and
                whose outputs have one row for each text.
            is_over: Function, called before each batch, that returns whether to stop.
        """
        for signature in self.signatures.values():
            self._try(signature, signature.warm_up)
            if signature.takes_texts and signature.only_rows_vary:
                for texts in batches:
                    if is_over():
                        return
                    self._try(
                        signature, functools.partial(signature.warm_up_with, texts)
                    )

    def _try(self, signature: Signature, warm_up: Callable[[], None]) -> None:
        try:
            warm_up()
        except RequestError as error:
            details = {
                "event": "not_warmed_up",
                "model": self.name,
                "version": self.version,
                "signature": signature.name,
                "error": error.message,
            }
            LOG.warning("not warmed up", extra={"details": details})

    def signature(self, name: str | None) -> Signature:
        """Returns the signature of this name, or the default signature.

        Raises:
            RequestError: If there is no such signature.
        """
        name = name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            raise invalid(
                f'Serving signature name: "{name}" not found in signature def'
            )
        return self.signatures[name]

    def metadata(self) -> dict:
        """The body of a metadata request."""
        definitions = {
            name: json_format.MessageToDict(
                definition,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for name, definition in sorted(self.definitions.items())
        }
        return {
            "model_spec": {
                "name": self.name,
                "signature_name": "",
                "version": str(self.version),
            },
            "metadata": {"signature_def": {"signature_def": definitions}},
        }


async def load_version(
    name: str,
    version: int,
    path: Path,
    batches: Sequence[list[str]] = (),
    seconds: float = math.inf,
) -> LoadedVersion:
    """Loads a version in another thread and warms it up.

    Args:
        name: The model's name.
        version: Its version.
        path: The folder with `saved_model.pb`.
        batches: See `LoadedVersion.warm_up`.
        seconds: Maximum duration.

    Raises:
        TimeoutError: If it takes longer. The thread is not stopped.
        Exception: Any error of TensorFlow for a broken folder.
    """
    is_over = threading.Event()

    def load() -> LoadedVersion:
        loaded = LoadedVersion(name, version, path)
        loaded.warm_up(batches, is_over.is_set)
        return loaded

    try:
        async with asyncio.timeout(seconds):
            return await in_thread(load)
    except TimeoutError as error:
        raise TimeoutError(f"Loading took longer than {seconds:g} seconds.") from error
    finally:
        is_over.set()


def _is_export_of_this_package(definitions: dict) -> bool:
    """Whether there is a signature `info` without inputs, as exports have."""
    info = definitions.get("info")
    return info is not None and not info.inputs and list(info.outputs) == ["info"]


def _signature_definitions(path: Path) -> dict:
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((path / "saved_model.pb").read_bytes())
    for graph in saved_model.meta_graphs:
        if "serve" in graph.meta_info_def.tags:
            return dict(graph.signature_def)
    raise ValueError(
        f'The SavedModel has no graph with the tag "serve". Received: {path}'
    )
