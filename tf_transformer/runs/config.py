"""All settings of a training run, in the order of the pipeline."""

import dataclasses
import os

from tf_transformer.runs.checks import (
    BUILT_IN_CORPUS,
    FILES,
    check_values,
)
from tf_transformer.runs.choices import PRESET_TRAINING


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Settings of a run; `config.json` in the run's folder holds them.

    Fields that are `None` take what suits the preset, see `resolved`.
    """

    # run whose tokenizer and best weights training starts from
    init_from: str | None = None

    # data: a built-in corpus or tfds:NAME, or a file of pairs, or parallel files; by
    # default the built-in corpus. An epoch contains each training file as often as its
    # weight says.
    data: str | None = None
    source_language: str | None = None
    target_language: str | None = None
    train_source: tuple[str, ...] | None = None
    train_target: tuple[str, ...] | None = None
    train_weights: tuple[int, ...] | None = None
    valid_source: str | None = None
    valid_target: str | None = None
    test_source: str | None = None
    test_target: str | None = None

    # tokenizer: SentencePiece model files, one for both sides or one for each, or else
    # a vocabulary trained on the pairs
    tokenizer: tuple[str, ...] | None = None
    vocab_size: int = 8000
    shared_vocabulary: bool = True
    source_normalization: str = "nmt_nfkc"
    target_normalization: str = "identity"
    source_remove_extra_whitespaces: bool = True
    target_remove_extra_whitespaces: bool = False
    user_defined_symbols: tuple[str, ...] = ()

    # model; the score is the recurrent model's, "none" for no attention
    architecture: str = "transformer"
    score: str | None = None
    preset: str = "tiny"
    normalization: str = "layer"
    normalize_first: bool = False
    dropout_rate: float | None = None
    max_length: int = 512
    dtype: str = "float32"

    # batches
    batch_tokens: int | None = None
    static_shapes: bool | None = None
    window: int | None = None
    gradient_accumulation_steps: int = 1
    seed: int = 1
    devices: int | None = None

    # optimizer and loss
    epochs: int = 10
    warmup_steps: int | None = None
    peak: float | None = None
    cooldown: bool = True
    label_smoothing: float = 0.1
    ema_momentum: float | None = None

    # which epoch is kept, and when to stop early
    monitor: str = "bleu"
    patience: int | None = None
    validation_sentences: int = 500
    average_last: int = 1
    bleu_tokenize: str = "13a"

    # what TensorBoard shows beside loss and scores
    telemetry: int | None = None
    attention_images: int = 0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # as JSON and the command line write a tuple
                object.__setattr__(self, field.name, tuple(value))
        for name in ("train_source", "train_target"):
            value = getattr(self, name)
            if isinstance(value, str | os.PathLike):
                object.__setattr__(self, name, (os.fspath(value),))

    def resolved(self) -> "TrainingConfig":
        """The same settings with the preset's values in place of `None`.

        Files get their absolute paths, so that a run can be continued from anywhere.

        Raises:
            ValueError: For settings that cannot work.
        """
        check_values(self)
        changes = {
            name: value
            for name, value in PRESET_TRAINING[self.preset].items()
            if getattr(self, name) is None
        }
        for name in (*FILES, "tokenizer", "init_from"):
            value = getattr(self, name)
            if isinstance(value, tuple):
                changes[name] = tuple(map(os.path.abspath, value))
            elif value is not None:
                changes[name] = os.path.abspath(value)
        if self.data is not None and os.path.exists(self.data):
            changes["data"] = os.path.abspath(self.data)
        if self.data is None and self.train_source is None:
            changes["data"] = BUILT_IN_CORPUS
        return dataclasses.replace(self, **changes)
