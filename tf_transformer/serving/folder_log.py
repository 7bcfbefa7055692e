"""Logs what is wrong with a folder of models, once for each problem."""

import logging
from pathlib import Path

from tf_transformer.serving.folder import FoundModel, printable

LOG = logging.getLogger(__name__)


class FolderLog:
    """The problem of a folder of models, and its ignored folders by model."""

    def __init__(self):
        self.ignored: dict[str, dict[Path, str]] = {}
        self._named: set[Path] = set()
        self._problem: str | None = None

    def report(self, problem: str | None) -> None:
        """Logs that the folder cannot be read, or can be read again."""
        if problem != self._problem:
            event = "folder_unreadable" if problem else "folder_readable"
            details = {"event": event, "error": problem}
            LOG.warning(event, extra={"details": details})
        self._problem = problem

    def name_ignored(self, models: dict[str, FoundModel]) -> None:
        """Logs ignored folders at the second check, with the reason."""
        before = {path for paths in self.ignored.values() for path in paths}
        self.ignored = {
            name: model.ignored for name, model in models.items() if model.ignored
        }
        now = {p: why for paths in self.ignored.values() for p, why in paths.items()}
        # not at the first: a folder that is being copied gets its files later
        for path in now.keys() & before - self._named:
            details = {
                "event": "ignored",
                "folder": printable(str(path)),
                "reason": now[path],
            }
            LOG.warning("ignored", extra={"details": details})
        self._named = now.keys() & before

    def ignored_names(self, model: str) -> list[str]:
        """The names of the ignored folders of a model."""
        return [printable(p.name) for p in sorted(self.ignored.get(model, {}))]
