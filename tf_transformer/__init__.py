"""The encoder-decoder Transformer of "Attention Is All You Need" in Keras.

    import tf_transformer as tt

Names are looked up when they are first used, so that importing the package costs
nothing and TensorFlow is imported only by what needs it.
"""

import importlib

from tf_transformer.version import __version__

_HOMES = {
    "Transformer": "tf_transformer.models.transformer",
    "RecurrentSeq2Seq": "tf_transformer.models.recurrent",
    "MaskedCrossEntropy": "tf_transformer.training.losses",
    "MaskedAccuracy": "tf_transformer.training.metrics",
    "NegativeLogLikelihood": "tf_transformer.training.metrics",
    "Perplexity": "tf_transformer.training.metrics",
    "Adam": "tf_transformer.training.optimizer",
    "TransformerSchedule": "tf_transformer.training.schedules",
    "Translator": "tf_transformer.inference.translator",
    "SearchSettings": "tf_transformer.inference.search",
    "export_saved_model": "tf_transformer.export.saved_model",
    "keep_freed_memory": "tf_transformer.utils.memory",
}
_ROOMS = ("analysis", "data", "decoding", "layers", "models", "training")

__all__ = ["__version__", *_HOMES, *_ROOMS]


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"tf_transformer.{name}")
    raise AttributeError(f"module 'tf_transformer' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
