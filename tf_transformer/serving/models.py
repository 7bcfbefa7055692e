"""Loads the models of a folder, and replaces them when the folder changes."""

import asyncio
import contextlib
import functools
import gc
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from tf_transformer.serving.errors import RequestError, invalid, status_code
from tf_transformer.serving.folder import (
    FoundModel,
    find_models,
    has_versions,
    identity,
    is_settled,
    last_change,
)
from tf_transformer.serving.folder_log import FolderLog
from tf_transformer.serving.loaded_version import LoadedVersion, load_version
from tf_transformer.serving.threads import in_thread
from tf_transformer.serving.version_state import VersionState

LOG = logging.getLogger(__name__)


class Models:
    """The versions of a folder's models; by default, the highest one answers.

    `refresh` loads new versions and unloads removed or replaced ones. A
    version is unloaded only when its successor is ready, and stays in memory until its
    last request has been answered. If a version cannot be loaded, the error is
    reported, the highest good version is kept, and loading is tried again when the
    files change. While the folder is missing, or replaced by an empty one, as when a
    file system is unmounted, all loaded versions are kept.

    Args:
        folder: See `find_models`.
        keep_all: Whether all versions are served, not only the highest.
        settle_seconds: How long a version's files must be unchanged before it is
            loaded.
        warm_up_batches: Texts that each version computes before it is ready.
        load_seconds: Maximum duration of loading.
    """

    def __init__(
        self,
        folder: Path,
        keep_all: bool = False,
        settle_seconds: float = 1,
        warm_up_batches: Sequence[list[str]] = (),
        load_seconds: float = 600,
    ):
        self.folder = Path(folder)
        self.keep_all = keep_all
        self.settle_seconds = settle_seconds
        self.warm_up_batches = warm_up_batches
        self.load_seconds = load_seconds
        self._models: dict[str, dict[int, VersionState]] = {}
        self._folder_log = FolderLog()
        self._tasks: dict[str, asyncio.Task] = {}
        self._identity: tuple[int, int] | None = None
        self.has_looked = False

    @property
    def ready(self) -> bool:
        """Whether each model found at the start was tried and some version is ready."""
        return self.has_looked and any(self.highest(name) for name in self._models)

    def highest(self, name: str) -> LoadedVersion | None:
        """The highest version of a model that is ready, or `None`."""
        states = self._models.get(name, {})
        answering = [n for n, state in states.items() if state.state == "AVAILABLE"]
        return states[max(answering)].loaded if answering else None

    def names(self) -> list[str]:
        """The models that have a state."""
        return sorted({*self._models, *self._folder_log.ignored})

    async def watch(self, seconds: float) -> None:
        """Calls `refresh` repeatedly, until it is cancelled.

        A model that takes long to load does not delay the others.
        """
        try:
            while True:
                try:
                    await self._look()
                    self._folder_log.report(None)
                except OSError as error:
                    self._folder_log.report(str(error))
                await asyncio.sleep(seconds)
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def refresh(self) -> None:
        """Loads new versions of the folder and unloads removed ones.

        Raises:
            OSError: If the folder cannot be listed.
        """
        await self._look()
        await asyncio.gather(*self._tasks.values())

    async def _look(self) -> None:
        """Starts to refresh each model that is not being refreshed already."""
        models = await in_thread(find_models, self.folder)
        folder = await in_thread(identity, self.folder)
        if has_versions(models):
            self._identity = folder
        elif self._identity not in (None, folder):
            raise OSError(f"An empty folder replaced {self.folder}")
        self._folder_log.name_ignored(models)
        for name in sorted({*models, *self._models}):
            model = models.get(name, FoundModel())
            if model.is_readable and name not in self._tasks:
                task = asyncio.create_task(self._refresh_model(name, model.versions))
                self._tasks[name] = task
                task.add_done_callback(functools.partial(self._finish, name))
        self.has_looked = self.has_looked or not self._tasks

    def _finish(self, name: str, task: asyncio.Task) -> None:
        del self._tasks[name]
        self.has_looked = self.has_looked or not self._tasks
        if not task.cancelled() and task.exception():
            LOG.error("refreshing failed", exc_info=task.exception())

    async def _refresh_model(self, name: str, on_disk: dict[int, Path]) -> None:
        states = self._models.setdefault(name, {})
        for state in list(states.values()):
            # a removed version, also one whose end was shown since the last look
            if state.state in ("START", "END") and state.version not in on_disk:
                del states[state.version]
        active = set()
        for version in sorted(on_disk, reverse=True):
            state = states.get(version)
            is_available = state is not None and state.state == "AVAILABLE"
            if is_available or await self._load(name, version, on_disk[version]):
                active.add(version)
                if not self.keep_all:
                    break
        if active or not on_disk:
            for state in states.values():
                if state.state == "AVAILABLE" and state.version not in active:
                    await self._unload(name, state)
        if not states:
            del self._models[name]

    async def _load(self, name: str, version: int, path: Path) -> bool:
        states = self._models[name]
        try:
            changed, changed_file = await in_thread(last_change, path)
        except OSError as error:
            self._wait(name, version, str(error))
            return False
        previous = states.get(version)
        if previous and previous.error_code != "OK" and previous.changed == changed:
            return False
        if not is_settled(changed, self.settle_seconds):
            self._wait(name, version, f"Waiting for changes to end: {changed_file}")
            return False
        state = VersionState(version, "LOADING", changed=changed)
        states[version] = state
        self._log("loading", name, version)
        try:
            state.loaded = await load_version(
                name, version, path, self.warm_up_batches, self.load_seconds
            )
        except Exception as error:  # other models are served, whatever the error is
            state.state = "END"
            state.error_code, state.error_message = status_code(error), str(error)
            self._log("failed", name, version, error=str(error))
            return False
        state.state = "AVAILABLE"
        self._log("available", name, version)
        return True

    def _wait(self, name: str, version: int, reason: str) -> None:
        """Stores why a version is not loaded yet."""
        state = self._models[name].get(version)
        if state is None or state.state != "START":
            self._log("waiting", name, version, reason=reason)
        state = VersionState(version, error_message=reason)
        self._models[name][version] = state

    async def _unload(self, name: str, state: VersionState) -> None:
        state.state = "UNLOADING"
        self._log("unloading", name, state.version)
        self._release(name, state)
        # a loaded model contains reference cycles
        await in_thread(gc.collect)

    def _release(self, name: str, state: VersionState) -> None:
        if state.state == "UNLOADING" and not state.num_requests:
            state.loaded = None
            state.state = "END"
            self._log("unloaded", name, state.version)

    @contextlib.contextmanager
    def lease(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Iterator[LoadedVersion]:
        """Yields a version, which stays loaded while a request uses it.

        Args:
            name: The model's name.
            version: Its version. Defaults to the highest that is ready.
            label: A version's label; this service has no labels.

        Raises:
            RequestError: If there is no such version, or it is still being loaded.
        """
        if label is not None:
            raise invalid(f"Unrecognized servable version label: {label}")
        states = self._models.get(name, {})
        available = [n for n, state in states.items() if state.state == "AVAILABLE"]
        served = max(available, default=None) if version is None else version
        if served not in available:
            is_latest = version is None
            model = f"Latest({name})" if is_latest else f"Specific({name}, {version})"
            if self._is_coming(name, version):
                raise RequestError(
                    "UNAVAILABLE",
                    f"The model is still being loaded: {model}. Try again later.",
                    {"Retry-After": "1"},
                )
            raise RequestError("NOT_FOUND", f"Servable not found for request: {model}")
        state = states[served]
        state.num_requests += 1
        try:
            yield state.loaded  # pyright: ignore
        finally:
            state.num_requests -= 1
            self._release(name, state)

    def _is_coming(self, name: str, version: int | None) -> bool:
        """Whether a version that cannot answer yet waits or is being loaded."""
        states = self._models.get(name, {})
        if not self.has_looked and (version is None or not states):
            return name in self._models or not self._models
        wanted = [state for n, state in states.items() if version in (None, n)]
        return any(state.state in ("START", "LOADING") for state in wanted)

    def status(self, name: str, version: int | None = None) -> dict:
        """The body of a status request, highest version first.

        Raises:
            RequestError: If there is no such model or version.
        """
        states = self._models.get(name, {})
        ignored = self._folder_log.ignored_names(name)
        if version is not None and version not in states:
            raise RequestError(
                "NOT_FOUND", f"Could not find version {version} of model {name}"
            )
        if not states:
            hint = f". Ignored folders: {', '.join(ignored)}" if ignored else ""
            raise RequestError(
                "NOT_FOUND", f"Could not find any versions of model {name}{hint}"
            )
        versions = sorted(states, reverse=True) if version is None else [version]
        body = {"model_version_status": [states[n].as_json() for n in versions]}
        if ignored and version is None:
            body["ignored_folders"] = ignored  # pyright: ignore[reportArgumentType]
        return body

    def listing(self) -> dict:
        """All models with their versions and the signatures of the highest one."""
        return {"models": [self._entry(name) for name in self.names()]}

    def _entry(self, name: str) -> dict:
        states, highest = self._models.get(name, {}), self.highest(name)
        entry = {
            "name": name,
            "versions": [
                {"version": str(n), "state": states[n].state}
                for n in sorted(states, reverse=True)
            ],
            "signatures": sorted(highest.signatures) if highest else [],
        }
        ignored = self._folder_log.ignored_names(name)
        return {**entry, "ignored_folders": ignored} if ignored else entry

    def _log(self, event: str, name: str, version: int, **more) -> None:
        details = {"event": event, "model": name, "version": version, **more}
        level = logging.ERROR if event == "failed" else logging.INFO
        LOG.log(level, event, extra={"details": details})
