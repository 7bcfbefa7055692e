"""The verb `serve` and its options."""

import argparse
import os
from pathlib import Path

from tf_transformer.cli.places import run_directory
from tf_transformer.utils.versions import version_folders

TOKEN_VARIABLE = "TF_TRANSFORMER_TOKEN"
PACKAGES = ("prometheus_client", "starlette", "uvicorn")
# option, type, default, help
LIMITS = (
    ("--batch-size", int, 32, "maximum number of sentences in a batch; 1: no batching"),
    ("--batch-delay", float, 5, "milliseconds that a sentence waits for its batch"),
    (
        "--queue",
        int,
        256,
        "maximum number of waiting sentences per version; further requests get 503",
    ),
    ("--timeout", float, 30, "seconds after which a request gets 504"),
    ("--max-body", int, 1 << 20, "maximum size of a request in bytes"),
    ("--max-sentences", int, 64, "maximum number of sentences in a request"),
    ("--max-characters", int, 2000, "maximum number of characters in a sentence"),
    ("--max-connections", int, 512, "maximum number of connections"),
    ("--poll", float, 2, "seconds between two checks for new versions"),
)


def serve(options) -> None:
    """Serves exported models over HTTP, as TensorFlow Serving does, with a web page.

    A run is exported first.
    """
    try:
        from tf_transformer.serving.server import serve
        from tf_transformer.serving.settings import ServiceSettings
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES:
            raise
        raise ValueError(
            f"Serving needs the package {error.name}. Expected: "
            'pip install "tf_transformer[serve]"'
        ) from error
    settings = ServiceSettings(
        versions=options.versions,
        poll_seconds=options.poll,
        batch_size=options.batch_size,
        batch_delay=options.batch_delay / 1000,
        queue_size=options.queue,
        timeout=options.timeout,
        max_body=options.max_body,
        max_sentences=options.max_sentences,
        max_characters=options.max_characters,
        max_connections=options.max_connections,
        allowed_hosts=tuple(options.allowed_host or ()),
        allowed_origins=tuple(options.allow_origin or ()),
        token=_token(options.token_file),
        log_text=options.log_text,
        warm_up_texts=_lines(options.warm_up),
    )
    serve(_exported(options.folder), options.host, options.port, settings)


def _exported(folder: str) -> str:
    """The folder of models; for a run its own, with an export of its best weights."""
    if not Path(folder, "config.json").exists() or not Path(folder, "logs").is_dir():
        return folder
    run = run_directory(folder)
    models = run.path / "saved_models"
    versions = version_folders(models / run.path.resolve().name)
    weights = run.best_weights
    # an export has the time of its weights, which a training may replace meanwhile
    trained = weights.stat().st_mtime_ns if weights.exists() else 0
    highest = max(versions, default=0)  # which is served
    if highest in versions and versions[highest].stat().st_mtime_ns == trained:
        return str(models)
    path = models / run.path.resolve().name / str(highest + 1)
    print(f"Exporting {folder} to {path}.", flush=True)
    from tf_transformer.export.saved_model import export_saved_model
    from tf_transformer.inference.settings import SearchSettings

    info = {"scores": run.evaluation()}
    export_saved_model(run.translator(), path, SearchSettings(), info)
    os.utime(path, ns=(trained, trained))
    return str(models)


def _token(path: str | None) -> str | None:
    if path is None:
        token = os.environ.get(TOKEN_VARIABLE)
    else:
        token = Path(path).read_text(encoding="utf-8")
    return token and token.strip()


def _lines(path: str | None) -> tuple[str, ...]:
    if path is None:
        return ()
    from tf_transformer.data.lines import read_lines

    lines = tuple(line for line in read_lines(path) if line)
    if not lines:
        raise ValueError(
            f"Expected warm-up texts, one per line. Received: {path}, an empty file"
        )
    return lines


def add_serve(verb) -> None:
    """Adds the options of `serve` to its parser."""
    verb.add_argument(
        "folder",
        help="folder of exported models, such as saved_models/; or a run, which is "
        "exported to its folder saved_models with the default search settings",
    )
    verb.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 for every network (default: 127.0.0.1)",
    )
    verb.add_argument("--port", type=_port, default=8501, help="default: 8501")
    verb.add_argument(
        "--versions",
        choices=("latest", "all"),
        default="latest",
        help="serve the highest version of each model, or all (default: latest)",
    )
    _add_access(verb)
    verb.add_argument(
        "--warm-up",
        metavar="FILE",
        help="texts, one per line, that each version translates in batches of every "
        "size before it is ready",
    )
    for flag, kind, default, text in LIMITS:
        verb.add_argument(
            flag,
            type=kind,
            default=default,
            metavar=kind.__name__.upper(),
            help=f"{text} (default: {default})",
        )


def _add_access(verb) -> None:
    """Adds the options of access control and of logs."""
    verb.add_argument(
        "--allowed-host",
        metavar="NAME",
        action="append",
        help="host name by which clients may address the service, besides localhost, "
        "addresses and --host; repeatable; * for all",
    )
    verb.add_argument(
        "--allow-origin",
        metavar="ORIGIN",
        action="append",
        help="origin, such as https://example.org, whose pages may use the service "
        "(CORS); repeatable; * for all; none by default",
    )
    verb.add_argument(
        "--log-text", action="store_true", help="log the texts of requests and answers"
    )
    verb.add_argument(
        "--token-file",
        metavar="FILE",
        help="file with the secret that clients must send; by default the environment "
        f"variable {TOKEN_VARIABLE}; without both, no secret is needed",
    )


def _port(word: str) -> int:
    if not word.isdecimal() or int(word) > 65535:
        raise argparse.ArgumentTypeError(
            f"expected an integer from 0 to 65535. Received: {word}"
        )
    return int(word)
