"""Runs the service on a port."""

import dataclasses
import functools
import gc
import logging
import os
import signal
import socket
import time
from pathlib import Path

import uvicorn

from tf_transformer.serving.app import make_app
from tf_transformer.serving.connection import Connection
from tf_transformer.serving.folder import find_models, has_versions
from tf_transformer.serving.logs import set_up_logs
from tf_transformer.serving.models import Models
from tf_transformer.serving.settings import ServiceSettings
from tf_transformer.serving.threads import is_any_running

try:
    import resource
except ModuleNotFoundError:  # not on Windows
    resource = None

LOG = logging.getLogger(__name__)
GRACE_SECONDS = 5  # for a computation, after everything else has ended
RESERVED_FILES = 128  # open files besides connections


def serve(folder: str, host: str, port: int, settings: ServiceSettings) -> None:
    """Serves a folder of exported models until SIGTERM or SIGINT.

    Requests that were accepted before the signal are still answered.

    Args:
        folder: See `find_models`.
        host: The address to listen on.
        port: The port; 0 for any free port.
        settings: Limits and delays.

    Raises:
        FileNotFoundError: If the folder is missing.
        ValueError: If the folder contains no model.
        OSError: If the port is not free.
    """
    path = Path(folder)
    if not path.is_dir():
        raise FileNotFoundError(f"There is no folder to serve. Received: {folder}")
    _check_models(path, folder)
    _allow_a_stuck_model()
    listening = _listen(host, port)
    models = Models(
        path,
        keep_all=settings.versions == "all",
        warm_up_batches=settings.warm_up_batches,
    )
    set_up_logs(settings.log_text)
    settings = _for_this_machine(settings, host)
    # otherwise a body of many lists makes Python look at all of TensorFlow's objects
    gc.collect()
    gc.freeze()
    server = uvicorn.Server(make_config(models, settings))
    # also before the server sets its own handler, and after it has stopped, when it
    # raises the signal again
    signal.signal(signal.SIGTERM, server.handle_exit)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"Serving {folder} at http://{shown}:{port}", flush=True)
    try:
        server.run(sockets=[listening])
    finally:
        _end_computations()


def make_config(models: Models, settings: ServiceSettings, **others) -> uvicorn.Config:
    """The configuration of the HTTP server.

    Args:
        models: The models to serve.
        settings: Limits and delays.
        **others: See `uvicorn.Config`.
    """
    return uvicorn.Config(
        make_app(models, settings),
        http=functools.partial(Connection, settings=settings),  # pyright: ignore[reportArgumentType]
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=settings.idle_timeout,  # pyright: ignore[reportArgumentType]
        timeout_graceful_shutdown=int(settings.timeout) + 1,
        **others,
    )


def _check_models(path: Path, folder: str) -> None:
    models = find_models(path)
    if not has_versions(models):
        ignored = {
            p: why for model in models.values() for p, why in model.ignored.items()
        }
        hint = "".join(f" Ignored: {p}: {why}." for p, why in ignored.items())
        raise ValueError(
            f"The folder contains no exported model. Expected {folder}/NAME/VERSION/"
            "saved_model.pb, as `tf-transformer export` writes it. Received: "
            f"{folder}{hint and '.' + hint}"
        )


def _allow_a_stuck_model() -> None:
    """Gives TensorFlow a second thread for operations on a machine with one core.

    It has as many as cores, and a model that is stuck in an operation keeps one.
    """
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    if (len(cores) or os.cpu_count()) == 1:
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")


def _for_this_machine(settings: ServiceSettings, host: str) -> ServiceSettings:
    """Adds the host names of this machine, and applies its limit of open files."""
    names = {host, socket.gethostname()} if host in ("0.0.0.0", "::") else {host}
    connections = settings.max_connections
    if resource:
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limit != resource.RLIM_INFINITY:
            connections = max(1, min(connections, limit - RESERVED_FILES))
    return dataclasses.replace(
        settings,
        allowed_hosts=(*settings.allowed_hosts, *sorted(names)),
        max_connections=connections,
    )


def _end_computations() -> None:
    """Ends the process if a computation does not end."""
    end = time.monotonic() + GRACE_SECONDS
    while is_any_running():
        if time.monotonic() > end:
            LOG.error("A computation did not end. It is abandoned.")
            logging.shutdown()
            os._exit(1)
        time.sleep(0.01)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        created = socket.create_server((host, port), family=family)
    except OSError as error:
        raise OSError(f"Cannot listen on {host}:{port}: {error.strerror}") from error
    # asyncio sets TCP_NODELAY only on sockets with the protocol named: without it,
    # every answer on a kept connection waits about 40 ms for an acknowledgement.
    return socket.socket(
        family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=created.detach()
    )
