"""The models on disk: the folder of each version."""

import dataclasses
import os
import stat
import time
from pathlib import Path

MAX_VERSION = 2**63 - 1
NOT_A_NUMBER = "a version's folder is named by a whole number"
NO_MODEL = "it contains no saved_model.pb"
NOT_UTF8 = "its name is not UTF-8"


@dataclasses.dataclass
class FoundModel:
    """The contents of a model's folder.

    Args:
        versions: The folder of each version.
        ignored: Folders that look like versions and cannot be served, with the reason.
        is_readable: Whether the folder could be listed and its versions be read; if one
            can be read, the other ones are in `versions` too.
    """

    versions: dict[int, Path] = dataclasses.field(default_factory=dict)
    ignored: dict[Path, str] = dataclasses.field(default_factory=dict)
    is_readable: bool = True


def find_models(folder: Path) -> dict[str, FoundModel]:
    """The models below a folder, by name.

    Args:
        folder: Contains `MODEL/VERSION/saved_model.pb`, or is the folder of one model
            and contains `VERSION/saved_model.pb`. Other files and hidden folders are
            ignored.

    Returns:
        The models that have a version or a folder that looks like a version, or that
        cannot be read.

    Raises:
        OSError: If the folder itself cannot be listed.
    """
    models = {}
    own = _find_versions(folder)
    if own.versions:
        models[printable(folder.resolve().name)] = own
    for path in _folders(folder):
        if path in own.versions.values():
            continue
        if own.versions and path in own.ignored:
            continue
        model = _find_model(path)
        if model.versions or model.ignored or not model.is_readable:
            models[printable(path.name)] = model
    return models


def printable(text: str) -> str:
    """A text with `\\udcxx` for each byte of a path that is not UTF-8.

    Example:

    >>> printable("caf\\udce9")
    'caf\\\\udce9'
    """
    return text.encode(errors="backslashreplace").decode()


def has_versions(models: dict[str, FoundModel]) -> bool:
    """Whether any model has a version to serve."""
    return any(model.versions for model in models.values())


def identity(folder: Path) -> tuple[int, int]:
    """The device and inode of a folder; they change if another one is mounted there.

    Raises:
        OSError: If the folder is missing.
    """
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def last_change(folder: Path) -> tuple[float, Path]:
    """The time of the last change in a folder, in Unix seconds, and its path.

    Reads change times, because copying a file may keep its modification time. For a
    link without a target, the time of the link itself is used.

    Raises:
        OSError: If the folder is removed meanwhile.
    """
    return max((_change_time(path), path) for path in (folder, *folder.rglob("*")))


def is_settled(changed: float, seconds: float) -> bool:
    """Whether the last change is long enough ago that no copy is in progress."""
    return abs(time.time() - changed) >= seconds


def _change_time(path: Path) -> float:
    try:
        return os.stat(path).st_ctime
    except FileNotFoundError:
        return os.lstat(path).st_ctime


def _find_model(path: Path) -> FoundModel:
    if not _is_utf8(path.name):
        return FoundModel(ignored={path: NOT_UTF8})
    try:
        model = _find_versions(path)
        if _has_model(path):
            model.ignored[path] = NOT_A_NUMBER
        return model
    except OSError as error:
        return FoundModel(ignored={path: _unreadable(error)}, is_readable=False)


def _find_versions(folder: Path) -> FoundModel:
    model, unreadable, reasons = FoundModel(), {}, {}
    for path in _folders(folder):
        number = int(path.name) if _is_number(path.name) else MAX_VERSION + 1
        is_version = number <= MAX_VERSION
        try:
            has_model = _has_model(path)
        except OSError as error:
            reasons[path] = _unreadable(error)
            if is_version:
                unreadable[number] = path
            continue
        if not is_version:
            if has_model:
                model.ignored[path] = NOT_A_NUMBER
        elif not has_model:
            model.ignored[path] = NO_MODEL
        elif number in model.versions:
            model.ignored[path] = f"it is version {number} like another folder"
        else:
            model.versions[number] = path
    if model.versions:
        # one that is loaded is kept, and loading reports the error of another
        model.versions = unreadable | model.versions
    model.is_readable = bool(model.versions) or not unreadable
    paths = reasons.keys() - set(model.versions.values())
    model.ignored |= {path: reasons[path] for path in paths}
    return model


def _has_model(path: Path) -> bool:
    """Unlike `Path.is_file`, raises `OSError` if the folder cannot be read."""
    try:
        return stat.S_ISREG(os.stat(path / "saved_model.pb").st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _unreadable(error: OSError) -> str:
    return f"it cannot be read: {error.strerror}"


def _is_utf8(name: str) -> bool:
    return printable(name) == name


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) < 100


def _folders(folder: Path) -> list[Path]:
    paths = sorted(folder.iterdir())
    return [p for p in paths if not p.name.startswith(".") and _is_folder(p)]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a lost file system, for example; reading it gives the reason
        return True
