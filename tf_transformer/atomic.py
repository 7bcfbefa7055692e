"""Files that are either whole or not there."""

import contextlib
import json
import os
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
