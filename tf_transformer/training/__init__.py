"""Loss, metrics, optimizer and schedule for `model.compile`, callbacks for `fit`."""

from tf_transformer.training.averaging import ScoreAverages, average_checkpoints
from tf_transformer.training.callbacks import JsonLog, KeepBest, TranslationQuality
from tf_transformer.training.divergence import DivergenceCheck, TrainingDiverged
from tf_transformer.training.lora import add_lora
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.metrics import (
    MaskedAccuracy,
    NegativeLogLikelihood,
    Perplexity,
)
from tf_transformer.training.optimizer import Adam
from tf_transformer.training.quality import score_translations
from tf_transformer.training.r_drop import RDropCrossEntropy
from tf_transformer.training.schedules import TransformerSchedule

__all__ = [
    "Adam",
    "DivergenceCheck",
    "JsonLog",
    "KeepBest",
    "MaskedAccuracy",
    "MaskedCrossEntropy",
    "NegativeLogLikelihood",
    "Perplexity",
    "RDropCrossEntropy",
    "ScoreAverages",
    "TrainingDiverged",
    "TransformerSchedule",
    "TranslationQuality",
    "add_lora",
    "average_checkpoints",
    "score_translations",
]
