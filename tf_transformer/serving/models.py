"""The models of a folder: loaded, watched, replaced."""

import asyncio
import contextlib
import dataclasses
import gc
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tf_transformer.serving.errors import RequestError, invalid, status_code
from tf_transformer.serving.folder import changed_at, is_settled, versions_on_disk
from tf_transformer.serving.loaded_version import LoadedVersion

LOG = logging.getLogger(__name__)


@dataclasses.dataclass
class VersionState:
    """What is known of one version: state and error in TensorFlow Serving's words."""

    version: int
    state: str = "START"
    error_code: str = "OK"
    error_message: str = ""
    changed: float = 0.0
    loaded: LoadedVersion | None = None
    num_requests: int = 0

    def as_json(self) -> dict:
        """The entry of a status answer."""
        status = {"error_code": self.error_code, "error_message": self.error_message}
        return {"version": str(self.version), "state": self.state, "status": status}


class Models:
    """The versions of a folder's models, of which the highest answers by default.

    `refresh` loads what is new and lets go of what is gone or replaced. A version is
    let go only when its successor answers, and stays in memory until its last request
    has been answered. A version that cannot be loaded is reported, the highest good
    one is kept, and the broken one is tried again when its files change.

    Args:
        folder: See `versions_on_disk`.
        keep_all: Whether all versions are served, not only the highest.
        settle_seconds: How long a version's files must have been left alone before it
            is loaded.
        warm_up_batches: Texts that each version computes before it answers.
    """

    def __init__(
        self,
        folder: Path,
        keep_all: bool = False,
        settle_seconds: float = 1,
        warm_up_batches: Sequence[list[str]] = (),
    ):
        self.folder = Path(folder)
        self.keep_all = keep_all
        self.settle_seconds = settle_seconds
        self.warm_up_batches = warm_up_batches
        self._is_over = threading.Event()
        self._models: dict[str, dict[int, VersionState]] = {}
        self._has_looked = False

    @property
    def ready(self) -> bool:
        """Whether the folder has been gone through and some version answers."""
        return self._has_looked and any(
            state.state == "AVAILABLE"
            for versions in self._models.values()
            for state in versions.values()
        )

    async def watch(self, seconds: float) -> None:
        """Refreshes again and again, until it is cancelled."""
        try:
            while True:
                try:
                    await self.refresh()
                except OSError as error:
                    details = {"event": "folder_unreadable", "error": str(error)}
                    LOG.warning("folder unreadable", extra={"details": details})
                await asyncio.sleep(seconds)
        finally:
            self._is_over.set()  # for the thread that loads, which nobody can cancel

    async def refresh(self) -> None:
        """Brings what is served in line with the folder."""
        on_disk = await asyncio.to_thread(versions_on_disk, self.folder)
        for name in sorted({*on_disk, *self._models}):
            await self._refresh_model(name, on_disk.get(name, {}))
        self._has_looked = True

    async def _refresh_model(self, name: str, on_disk: dict[int, Path]) -> None:
        states = self._models.setdefault(name, {})
        wanted = set()
        for version in sorted(on_disk, reverse=True):
            state = states.get(version)
            is_available = state is not None and state.state == "AVAILABLE"
            if is_available or await self._load(name, version, on_disk[version]):
                wanted.add(version)
                if not self.keep_all:
                    break
        if wanted or not on_disk:
            for state in states.values():
                if state.state == "AVAILABLE" and state.version not in wanted:
                    await self._unload(name, state)
        if not states:
            del self._models[name]

    async def _load(self, name: str, version: int, path: Path) -> bool:
        states = self._models[name]
        try:
            changed = await asyncio.to_thread(changed_at, path)
        except OSError:
            return False
        known = states.get(version)
        if known and known.error_code != "OK" and known.changed == changed:
            return False
        if not is_settled(changed, self.settle_seconds):
            return False
        state = VersionState(version, "LOADING", changed=changed)
        states[version] = state
        self._log("loading", name, version)
        try:
            state.loaded = await asyncio.to_thread(self._loaded, name, version, path)
        except Exception as error:  # whatever is wrong with the files, the rest goes on
            state.state = "END"
            state.error_code, state.error_message = status_code(error), str(error)
            self._log("failed", name, version, error=str(error))
            return False
        state.state = "AVAILABLE"
        self._log("available", name, version)
        return True

    def _loaded(self, name: str, version: int, path: Path) -> LoadedVersion:
        loaded = LoadedVersion(name, version, path)
        loaded.warm_up(self.warm_up_batches, self._is_over.is_set)
        return loaded

    async def _unload(self, name: str, state: VersionState) -> None:
        state.state = "UNLOADING"
        self._log("unloading", name, state.version)
        self._let_go(name, state)
        # a loaded model is full of cycles
        await asyncio.to_thread(gc.collect)

    def _let_go(self, name: str, state: VersionState) -> None:
        if state.state == "UNLOADING" and not state.num_requests:
            state.loaded = None
            state.state = "END"
            self._log("unloaded", name, state.version)

    @contextlib.contextmanager
    def lease(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Iterator[LoadedVersion]:
        """Gives a version for as long as a request needs it.

        Args:
            name: The model's name.
            version: Its version. Defaults to the highest that answers.
            label: A version's label. This service has none.

        Raises:
            RequestError: If there is no such version.
        """
        if label is not None:
            raise invalid(f"Unrecognized servable version label: {label}")
        states = self._models.get(name, {})
        available = [n for n, state in states.items() if state.state == "AVAILABLE"]
        wanted = max(available, default=None) if version is None else version
        if wanted not in available:
            asked = f"Latest({name})"
            if version is not None:
                asked = f"Specific({name}, {version})"
            raise RequestError("NOT_FOUND", f"Servable not found for request: {asked}")
        state = states[wanted]
        state.num_requests += 1
        try:
            yield state.loaded
        finally:
            state.num_requests -= 1
            self._let_go(name, state)

    def status(self, name: str, version: int | None = None) -> dict:
        """The body of a status request, highest version first.

        Raises:
            RequestError: If nothing is known of it.
        """
        states = self._models.get(name, {})
        if version is not None and version not in states:
            raise RequestError(
                "NOT_FOUND", f"Could not find version {version} of model {name}"
            )
        if not states:
            raise RequestError(
                "NOT_FOUND", f"Could not find any versions of model {name}"
            )
        versions = sorted(states, reverse=True) if version is None else [version]
        return {"model_version_status": [states[n].as_json() for n in versions]}

    def listing(self) -> dict:
        """All models with their versions and the signatures of the highest one."""
        return {
            "models": [
                {
                    "name": name,
                    "versions": [
                        {"version": str(n), "state": states[n].state}
                        for n in sorted(states, reverse=True)
                    ],
                    "signatures": self._signatures(states),
                }
                for name, states in sorted(self._models.items())
            ]
        }

    def _signatures(self, states: dict[int, VersionState]) -> list[str]:
        answering = [s for s in states.values() if s.state == "AVAILABLE"]
        if not answering:
            return []
        return sorted(max(answering, key=lambda s: s.version).loaded.signatures)

    def _log(self, event: str, name: str, version: int, **more) -> None:
        details = {"event": event, "model": name, "version": version, **more}
        level = logging.ERROR if event == "failed" else logging.INFO
        LOG.log(level, event, extra={"details": details})
