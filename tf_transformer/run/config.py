"""All settings of a training run, in the order of the pipeline."""

import dataclasses

# what suits a preset on the machine that it is for
PRESET_TRAINING = {
    "tiny": {"batch_tokens": 1024, "warmup_steps": 400, "peak": 2e-3},
    "small": {"batch_tokens": 1536, "warmup_steps": 500, "peak": 1.5e-3},
    "base": {"batch_tokens": 4096, "warmup_steps": 4000, "peak": None},
    "big": {"batch_tokens": 4096, "warmup_steps": 4000, "peak": None},
}


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Settings of a run; `config.json` in the run's folder holds them.

    Fields that are `None` take what suits the preset, see `resolved`.
    """

    # data: a built-in corpus by name or a TSV file, or two parallel files
    data: str | None = "en_ko_grammar"
    train_source: str | None = None
    train_target: str | None = None
    valid_source: str | None = None
    valid_target: str | None = None
    test_source: str | None = None
    test_target: str | None = None

    # tokenizer
    vocab_size: int = 8000
    shared_vocabulary: bool = True

    # model
    preset: str = "tiny"
    dropout_rate: float | None = None
    max_length: int = 512
    dtype: str = "float32"

    # batches
    batch_tokens: int | None = None
    gradient_accumulation_steps: int = 1
    seed: int = 1

    # optimizer and loss
    epochs: int = 10
    warmup_steps: int | None = None
    peak: float | None = None
    cooldown: bool = True
    label_smoothing: float = 0.1

    # which epoch is kept, and when to stop early
    monitor: str = "bleu"
    patience: int | None = None
    validation_sentences: int = 500
    bleu_tokenize: str = "13a"

    def resolved(self) -> "TrainingConfig":
        """The same settings with the preset's values in place of `None`.

        Raises:
            ValueError: For an unknown preset.
        """
        if self.preset not in PRESET_TRAINING:
            raise ValueError(
                f"Unknown preset. Expected one of {sorted(PRESET_TRAINING)}. "
                f"Received: {self.preset!r}"
            )
        defaults = PRESET_TRAINING[self.preset]
        missing = {
            name: value
            for name, value in defaults.items()
            if getattr(self, name) is None
        }
        return dataclasses.replace(self, **missing)
