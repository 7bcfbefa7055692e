"""The encoder-decoder Transformer of "Attention Is All You Need" in Keras."""

from tf_transformer.version import __version__

__all__ = ["__version__"]
