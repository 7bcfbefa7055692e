"""Sequence-to-sequence models with one interface, `SequenceModel`.

`Transformer` is the model of the paper; `RecurrentSeq2Seq` is the recurrent model with
attention that preceded it; an `Ensemble` is several of them as one model.
"""

from tf_transformer.models.ensemble import Ensemble
from tf_transformer.models.presets import PRESETS
from tf_transformer.models.recurrent import RecurrentSeq2Seq
from tf_transformer.models.sequence_model import SequenceModel
from tf_transformer.models.transformer import Transformer
from tf_transformer.models.two_passes import TwoPasses

ARCHITECTURES = {"transformer": Transformer, "recurrent": RecurrentSeq2Seq}

__all__ = [
    "ARCHITECTURES",
    "PRESETS",
    "Ensemble",
    "RecurrentSeq2Seq",
    "SequenceModel",
    "Transformer",
    "TwoPasses",
]
