"""The service on a port."""

import signal
import socket
from pathlib import Path

import uvicorn

from tf_transformer.serving.app import make_app
from tf_transformer.serving.folder import versions_on_disk
from tf_transformer.serving.logs import set_up_logs
from tf_transformer.serving.models import Models
from tf_transformer.serving.settings import ServiceSettings


def serve(folder: str, host: str, port: int, settings: ServiceSettings) -> None:
    """Serves a folder of exported models until SIGTERM or SIGINT.

    What was accepted before the signal is still answered.

    Args:
        folder: See `versions_on_disk`.
        host: The address to listen at.
        port: The port; 0 for any that is free.
        settings: Limits and delays.

    Raises:
        FileNotFoundError: If the folder is missing.
        ValueError: If it holds no model.
        OSError: If the port cannot be had.
    """
    path = Path(folder)
    if not path.is_dir():
        raise FileNotFoundError(f"There is no folder to serve. Received: {folder}")
    if not versions_on_disk(path):
        raise ValueError(
            f"The folder holds no exported model. Expected {folder}/NAME/VERSION/"
            f"saved_model.pb, as `tf-transformer export` writes it. Received: {folder}"
        )
    listening = _listen(host, port)
    models = Models(
        path,
        keep_all=settings.versions == "all",
        warm_up_batches=settings.warm_up_batches,
    )
    set_up_logs(settings.log_text)
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(models, settings),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(settings.timeout) + 1,
        )
    )
    host, port = listening.getsockname()[:2]
    print(f"Serving {folder} at http://{host}:{port}", flush=True)
    # the server hands the signal on when it has stopped; then all is done
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    server.run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        created = socket.create_server((host, port), family=family)
    except OSError as error:
        raise OSError(f"Cannot listen at {host}:{port}: {error.strerror}") from error
    # asyncio sets TCP_NODELAY only on sockets with the protocol named: without it,
    # every answer on a kept connection waits about 40 ms for an acknowledgement.
    return socket.socket(
        family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=created.detach()
    )
