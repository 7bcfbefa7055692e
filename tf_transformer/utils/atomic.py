"""Files and folders that are either whole or not there."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Gives a temporary path that takes the place of `path` when all went well.

    Args:
        path: The file to write. Its folder is made if need be.

    Example:

        with replacing("scores.json") as temporary:
            temporary.write_text("{}")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(folder, path.name)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        os.rmdir(folder)


@contextlib.contextmanager
def new_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Gives a temporary folder that becomes `path` when all went well.

    Args:
        path: The folder to write. The folder above it is made if need be.

    Raises:
        FileExistsError: If `path` exists already, before anything is done.

    Example:

        with new_folder("saved_models/mine/1") as temporary:
            (temporary / "saved_model.pb").write_bytes(content)
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(
            f"An export is never overwritten. Expected a new folder. Received: {path}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_json(path: str | os.PathLike, value) -> None:
    """Writes a value as readable JSON, at once or not at all."""
    with replacing(path) as temporary:
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8")


def read_json(path: str | os.PathLike):
    """Reads JSON; a broken file is a ValueError that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON. Received: {error}") from error
