"""The encoder-decoder Transformer of "Attention Is All You Need" in Keras.

    import tf_transformer as tt

The public API is `__all__`: classes, functions, and the packages `analysis`, `data`,
`decoding`, `layers`, `models`, `runs` and `training`, each with its own `__all__`.
Names are imported when they are first used, so `import tf_transformer` loads neither
Keras nor TensorFlow. `docs/architecture.md` describes all packages.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tf_transformer.utils.registration import register_with_keras
from tf_transformer.version import __version__

if TYPE_CHECKING:  # for type checkers and editors
    from tf_transformer import analysis, data, decoding, layers, models, runs, training
    from tf_transformer.diagnosis.doctor import doctor
    from tf_transformer.export.saved_model import export_saved_model
    from tf_transformer.importers.importing import import_translator
    from tf_transformer.inference.settings import SearchSettings
    from tf_transformer.inference.translator import Translator
    from tf_transformer.models.recurrent import RecurrentSeq2Seq
    from tf_transformer.models.transformer import Transformer
    from tf_transformer.training.losses import MaskedCrossEntropy
    from tf_transformer.training.metrics import (
        MaskedAccuracy,
        NegativeLogLikelihood,
        Perplexity,
    )
    from tf_transformer.training.optimizer import Adam
    from tf_transformer.training.schedules import TransformerSchedule
    from tf_transformer.utils.memory import keep_freed_memory

register_with_keras()

# name: the module that defines it, imported when the name is first used
_MODULES = {
    "Transformer": "tf_transformer.models.transformer",
    "RecurrentSeq2Seq": "tf_transformer.models.recurrent",
    "MaskedCrossEntropy": "tf_transformer.training.losses",
    "MaskedAccuracy": "tf_transformer.training.metrics",
    "NegativeLogLikelihood": "tf_transformer.training.metrics",
    "Perplexity": "tf_transformer.training.metrics",
    "Adam": "tf_transformer.training.optimizer",
    "TransformerSchedule": "tf_transformer.training.schedules",
    "Translator": "tf_transformer.inference.translator",
    "SearchSettings": "tf_transformer.inference.settings",
    "export_saved_model": "tf_transformer.export.saved_model",
    "doctor": "tf_transformer.diagnosis.doctor",
    "import_translator": "tf_transformer.importers.importing",
    "keep_freed_memory": "tf_transformer.utils.memory",
}
_PACKAGES = ("analysis", "data", "decoding", "layers", "models", "runs", "training")

__all__ = [
    "Adam",
    "MaskedAccuracy",
    "MaskedCrossEntropy",
    "NegativeLogLikelihood",
    "Perplexity",
    "RecurrentSeq2Seq",
    "SearchSettings",
    "Transformer",
    "TransformerSchedule",
    "Translator",
    "__version__",
    "analysis",
    "data",
    "decoding",
    "doctor",
    "export_saved_model",
    "import_translator",
    "keep_freed_memory",
    "layers",
    "models",
    "runs",
    "training",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    if name in _PACKAGES:
        return importlib.import_module(f"tf_transformer.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
