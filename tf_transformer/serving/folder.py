"""Models on disk: which folder holds which version."""

import os
import time
from pathlib import Path


def versions_on_disk(folder: Path) -> dict[str, dict[int, Path]]:
    """The exported versions below a folder, by model and number.

    Args:
        folder: Holds `MODEL/VERSION/saved_model.pb`, or is one model's folder and holds
            `VERSION/saved_model.pb`. Other files and hidden folders do not count.

    Returns:
        `{model: {version: folder}}`; empty if the folder is not there.
    """
    found = {}
    own = _versions(folder)
    if own:
        found[folder.resolve().name] = own
    for path in _folders(folder):
        versions = _versions(path)
        if versions:
            found[path.name] = versions
    return found


def changed_at(folder: Path) -> float:
    """When something in a folder changed last, seconds since the epoch.

    It is told by change times, which a copy that keeps modification times cannot set.

    Raises:
        OSError: If the folder vanishes meanwhile.
    """
    paths = [folder, *folder.rglob("*")]
    return max(os.stat(path).st_ctime for path in paths)


def is_settled(changed: float, seconds: float) -> bool:
    """Whether nothing has changed for so long, so that nobody copies there any more."""
    return abs(time.time() - changed) >= seconds


def _versions(folder: Path) -> dict[int, Path]:
    return {
        int(path.name): path
        for path in _folders(folder)
        if path.name.isascii()
        and path.name.isdecimal()
        and (path / "saved_model.pb").is_file()
    }


def _folders(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [p for p in paths if p.is_dir() and not p.name.startswith(".")]
