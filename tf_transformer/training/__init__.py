"""What `model.compile` and `model.fit` take: loss, metrics, schedule, callbacks."""

from tf_transformer.training.averaging import average_checkpoints
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.metrics import (
    MaskedAccuracy,
    NegativeLogLikelihood,
    Perplexity,
)
from tf_transformer.training.schedules import TransformerSchedule

__all__ = [
    "MaskedAccuracy",
    "MaskedCrossEntropy",
    "NegativeLogLikelihood",
    "Perplexity",
    "TransformerSchedule",
    "average_checkpoints",
]
