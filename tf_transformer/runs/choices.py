"""Defaults and allowed values of a run's settings.

This file does not import Keras, so that `--help` is fast.
"""

from sacrebleu.metrics import BLEU

from tf_transformer.data.sentencepiece_trainer import NORMALIZATION_RULES

# training settings for the machine that a preset is meant for
PRESET_TRAINING = {
    "tiny": {"batch_tokens": 1024, "warmup_steps": 400, "peak": 2e-3},
    "small": {"batch_tokens": 1536, "warmup_steps": 500, "peak": 1.5e-3},
    "base": {"batch_tokens": 4096, "warmup_steps": 4000, "peak": None},
    "big": {"batch_tokens": 4096, "warmup_steps": 4000, "peak": None},
}
# peak learning rates of fine-tuning: of all weights, and with LoRA
FINE_TUNING_PEAK = 2e-4
LORA_PEAK = 2e-3
# settings that are inherited from the other run if `init_from` is set; `None` means
# "not set"
TRAINED_TOKENIZER_DEFAULTS = {
    "vocab_size": 8000,
    "shared_vocabulary": True,
    "source_normalization": "nmt_nfkc",
    "target_normalization": "identity",
    "source_remove_extra_whitespaces": True,
    "target_remove_extra_whitespaces": False,
    "user_defined_symbols": (),
}
MODEL_DEFAULTS = {
    "architecture": "transformer",
    "preset": "tiny",
    "decoder": "self_attention",
    "normalization": "layer",
    "max_length": 512,
}
DEFAULTS = {**TRAINED_TOKENIZER_DEFAULTS, **MODEL_DEFAULTS}
# settings of the model that may differ from the other run's
DROPOUT_RATES = ("dropout_rate", "attention_dropout_rate", "word_dropout_rate")
EPOCHS = 10  # unless max_updates is set
CHOICES = {
    "architecture": ("transformer", "recurrent"),
    "score": ("dot", "scaled_dot", "general", "additive", "concat", "none"),
    "preset": tuple(PRESET_TRAINING),
    "distribute": ("mirrored", "data", "model"),
    "dtype": ("float32", "mixed_bfloat16", "mixed_float16"),
    "decoder": ("self_attention", "ssru"),
    "normalization": ("layer", "rms"),
    "decay": ("inverse_sqrt", "cosine", "linear"),
    "monitor": ("bleu", "chrf", "nll", "accuracy"),
    "bleu_tokenize": tuple(BLEU.TOKENIZERS),
    "source_normalization": NORMALIZATION_RULES,
    "target_normalization": NORMALIZATION_RULES,
}
