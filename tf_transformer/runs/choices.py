"""Allowed values of a run's settings. Imports no Keras: `--help` must be fast."""

from sacrebleu.metrics import BLEU

from tf_transformer.data.sentencepiece_trainer import NORMALIZATION_RULES

# what suits a preset on the machine that it is meant for
PRESET_TRAINING = {
    "tiny": {"batch_tokens": 1024, "warmup_steps": 400, "peak": 2e-3},
    "small": {"batch_tokens": 1536, "warmup_steps": 500, "peak": 1.5e-3},
    "base": {"batch_tokens": 4096, "warmup_steps": 4000, "peak": None},
    "big": {"batch_tokens": 4096, "warmup_steps": 4000, "peak": None},
}
CHOICES = {
    "architecture": ("transformer", "recurrent"),
    "score": ("dot", "scaled_dot", "general", "additive", "concat", "none"),
    "preset": tuple(PRESET_TRAINING),
    "dtype": ("float32", "mixed_bfloat16", "mixed_float16"),
    "normalization": ("layer", "rms"),
    "monitor": ("bleu", "chrf", "nll", "accuracy"),
    "bleu_tokenize": tuple(BLEU.TOKENIZERS),
    "source_normalization": NORMALIZATION_RULES,
    "target_normalization": NORMALIZATION_RULES,
}
