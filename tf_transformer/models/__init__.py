"""Sequence models, all with the same methods: encode, decode, start, step."""

from tf_transformer.models.presets import PRESETS
from tf_transformer.models.recurrent import RecurrentSeq2Seq
from tf_transformer.models.transformer import Transformer

ARCHITECTURES = {"transformer": Transformer, "recurrent": RecurrentSeq2Seq}

__all__ = ["ARCHITECTURES", "PRESETS", "RecurrentSeq2Seq", "Transformer"]
