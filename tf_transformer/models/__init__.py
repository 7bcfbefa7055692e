"""Sequence models, all with the same doors: encode, decode, start, step."""

from tf_transformer.models.presets import PRESETS
from tf_transformer.models.transformer import Transformer

__all__ = ["PRESETS", "Transformer"]
