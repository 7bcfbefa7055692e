"""Training runs: settings, training, the run's folder, evaluation.

    from tf_transformer.runs import TrainingConfig, train

Each name is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors
    from tf_transformer.runs.config import TrainingConfig
    from tf_transformer.runs.directory import RunDirectory
    from tf_transformer.runs.ensemble import ensemble_translator
    from tf_transformer.runs.evaluation import evaluate
    from tf_transformer.runs.training import train

_MODULES = {
    "TrainingConfig": "tf_transformer.runs.config",
    "RunDirectory": "tf_transformer.runs.directory",
    "ensemble_translator": "tf_transformer.runs.ensemble",
    "evaluate": "tf_transformer.runs.evaluation",
    "train": "tf_transformer.runs.training",
}

__all__ = [
    "RunDirectory",
    "TrainingConfig",
    "ensemble_translator",
    "evaluate",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
