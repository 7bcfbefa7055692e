"""All settings of a training run, in the order of the pipeline."""

import dataclasses
import os

from sacrebleu.metrics import BLEU

BUILT_IN_CORPUS = "en_ko_grammar"
DTYPES = ("float32", "mixed_bfloat16", "mixed_float16")
MONITORS = ("bleu", "chrf", "nll", "accuracy")
FILES = tuple(
    f"{split}_{side}"
    for split in ("train", "valid", "test")
    for side in ("source", "target")
)

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

    # data: a built-in corpus by name or a TSV file, or parallel files; by default the
    # built-in corpus
    data: str | None = None
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

        Files get their absolute paths, so that a run can be continued from anywhere.

        Raises:
            ValueError: For settings that cannot work.
        """
        self._check()
        defaults = PRESET_TRAINING[self.preset]
        missing = {
            name: value
            for name, value in defaults.items()
            if getattr(self, name) is None
        }
        for name in FILES:
            if getattr(self, name) is not None:
                missing[name] = os.path.abspath(getattr(self, name))
        if self.data is not None and os.path.exists(self.data):
            missing["data"] = os.path.abspath(self.data)
        if self.data is None and self.train_source is None:
            missing["data"] = BUILT_IN_CORPUS
        return dataclasses.replace(self, **missing)

    def _check(self) -> None:
        self._check_data()
        for name, allowed in (
            ("preset", tuple(PRESET_TRAINING)),
            ("dtype", DTYPES),
            ("monitor", MONITORS),
            ("bleu_tokenize", tuple(BLEU.TOKENIZERS)),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"Unknown {name}. Expected one of {', '.join(allowed)}. "
                    f"Received: {getattr(self, name)!r}"
                )
        for name in ("epochs", "patience", "batch_tokens", "warmup_steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1. Received: {value}")
        if self.peak is not None and self.peak <= 0:
            raise ValueError(f"peak must be above 0. Received: {self.peak}")
        if self.monitor in ("bleu", "chrf") and self.validation_sentences < 1:
            raise ValueError(
                f"The best epoch is chosen by {self.monitor}, which needs translations."
                " Expected validation_sentences of at least 1, or monitor='nll'. "
                f"Received: validation_sentences={self.validation_sentences}"
            )

    def _check_data(self) -> None:
        for split in ("train", "valid", "test"):
            files = getattr(self, f"{split}_source"), getattr(self, f"{split}_target")
            if (files[0] is None) != (files[1] is None):
                raise ValueError(
                    "A source file needs its target file. Received: "
                    f"{split}_source={files[0]}, {split}_target={files[1]}"
                )
        others = [name for name in FILES[2:] if getattr(self, name) is not None]
        if self.train_source is None and others:
            raise ValueError(
                "Validation and test files go with training files. Expected "
                f"train_source and train_target. Received: {', '.join(others)} only"
            )
        if self.train_source is not None and self.data is not None:
            raise ValueError(
                "The training data is named twice. Expected data or train_source. "
                f"Received: data={self.data}, train_source={self.train_source}"
            )
        if self.test_source is not None and self.valid_source is None:
            raise ValueError(
                "Test files alone leave nothing to choose the best epoch by. Expected "
                "valid_source and valid_target too. Received: only test_source"
            )
