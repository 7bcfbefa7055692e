"""Lets `keras.saving.load_model` find the package's classes before they are imported.

`import tf_transformer` imports neither Keras nor the classes, so that they are not yet
registered when a file is loaded. As soon as Keras is imported, before or after
`tf_transformer`, each registered name gets a placeholder, which imports the class when
a file needs it.
"""

import importlib
import importlib.abc
import importlib.util
import sys

PACKAGE = "tf_transformer"
MODULES = ("layers", "models", "training", "training.optimizer")
NAMES = (
    "Adam",
    "AdditiveScore",
    "ConcatScore",
    "Decoder",
    "DecoderBlock",
    "DotScore",
    "Encoder",
    "EncoderBlock",
    "Ensemble",
    "FeedForward",
    "GeneralScore",
    "GlobalAttention",
    "LayerNormalization",
    "MaskedAccuracy",
    "MaskedCrossEntropy",
    "MultiHeadAttention",
    "NegativeLogLikelihood",
    "Perplexity",
    "PositionalEncoding",
    "RDropCrossEntropy",
    "RecurrentDecoder",
    "RecurrentEncoder",
    "RecurrentSeq2Seq",
    "SSRU",
    "SSRUDecoder",
    "SSRUDecoderBlock",
    "ScaledDotScore",
    "TokenEmbedding",
    "Transformer",
    "TransformerSchedule",
)


def register_with_keras() -> None:
    """Registers the placeholders, now or when Keras is imported."""
    if "keras" in sys.modules:
        _register()
    elif not any(isinstance(finder, _KerasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KerasFinder())


def _register() -> None:
    saving = getattr(sys.modules["keras"], "saving", None)
    if saving is None:  # Keras itself is being imported and has imported this package
        return
    objects = saving.get_custom_objects()
    for name in NAMES:
        objects.setdefault(f"{PACKAGE}>{name}", _placeholder(name))


def _placeholder(name: str) -> type:
    """A class that is registered in place of the real one until a file needs it."""

    def from_config(config, **arguments):
        for module in MODULES:
            importlib.import_module(f"{PACKAGE}.{module}")
        saving = sys.modules["keras"].saving
        registered = saving.get_custom_objects()
        names = [f"{PACKAGE}>{registered_name}" for registered_name in NAMES]
        # while Keras loads a file, it looks names up in a copy with placeholders
        with saving.custom_object_scope({key: registered[key] for key in names}):
            cls = registered[f"{PACKAGE}>{name}"]
            return cls.from_config(config, **arguments)

    return type(name, (), {"from_config": staticmethod(from_config)})


class _KerasFinder(importlib.abc.MetaPathFinder):
    """Finds Keras as usual, and registers the placeholders after its import."""

    searching = False

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "keras" or self.searching:
            return None
        self.searching = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self.searching = False
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            _register()

        spec.loader.exec_module = exec_module
        return spec
