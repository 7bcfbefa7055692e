"""All settings of a training run, in the order of the pipeline."""

import dataclasses
import os

from tf_transformer.runs.checks import check_values
from tf_transformer.runs.choices import (
    DEFAULTS,
    EPOCHS,
    FINE_TUNING_PEAK,
    LORA_PEAK,
    MODEL_DEFAULTS,
    PRESET_TRAINING,
)
from tf_transformer.runs.data_checks import DEFAULT_CORPUS, FILES


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Settings of a run, stored in `config.json` in the run's folder.

    The fields are the options of `tf-transformer train`, with `_` for `-`. Fields that
    are `None` take their default (`runs/choices.py`) or the value of the preset, see
    `resolved`; with `init_from`, the value of the other run.
    """

    # run whose tokenizer and best weights training starts from
    init_from: str | None = None

    # rank of the changes that LoRA trains, instead of all weights
    lora_rank: int | None = None

    # data: a built-in corpus or tfds:NAME, or a file of pairs, or parallel files; by
    # default the built-in corpus. An epoch repeats each training file by its
    # weight.
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

    # tokenizer: SentencePiece model files, one for both sides or one for each; by
    # default, a vocabulary is trained on the pairs
    tokenizer: tuple[str, ...] | None = None
    vocab_size: int | None = None
    shared_vocabulary: bool | None = None
    source_normalization: str | None = None
    target_normalization: str | None = None
    source_remove_extra_whitespaces: bool | None = None
    target_remove_extra_whitespaces: bool | None = None
    user_defined_symbols: tuple[str, ...] | None = None

    # model; the score is the recurrent model's, "none" for no attention
    architecture: str | None = None
    score: str | None = None
    preset: str | None = None
    num_encoder_layers: int | None = None
    num_decoder_layers: int | None = None
    d_model: int | None = None
    num_heads: int | None = None
    d_ff: int | None = None
    decoder: str | None = None
    normalization: str | None = None
    normalize_first: bool | None = None
    dropout_rate: float | None = None
    attention_dropout_rate: float | None = None
    word_dropout_rate: float | None = None
    max_length: int | None = None
    dtype: str = "float32"

    # batches; alpha of subword regularization
    sampling_alpha: float | None = None
    batch_tokens: int | None = None
    static_shapes: bool | None = None
    window: int | None = None
    gradient_accumulation_steps: int = 1
    seed: int = 1

    # devices; `model_devices` of them share one copy of the weights
    distribute: str | None = None
    devices: int | None = None
    model_devices: int | None = None

    # optimizer and loss
    epochs: int | None = None
    max_updates: int | None = None
    warmup_steps: int | None = None
    peak: float | None = None
    decay: str = "inverse_sqrt"
    cooldown: bool = True
    label_smoothing: float = 0.1
    r_drop: float = 0.0
    ema_momentum: float | None = None

    # updates between validations, which form an epoch; interval of checkpoints within
    # an epoch, in updates or minutes
    validate_every: int | None = None
    checkpoint_every: int | str = "10m"

    # which epoch is kept, and when to stop early
    monitor: str = "bleu"
    patience: int | None = None
    validation_sentences: int = 500
    average_last: int = 1
    bleu_tokenize: str = "13a"

    # what TensorBoard shows in addition to loss and scores
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

    def with_defaults(self) -> "TrainingConfig":
        """The same settings with `DEFAULTS` in place of `None`."""
        defaults = MODEL_DEFAULTS if self.tokenizer else DEFAULTS
        return self._filled_in(defaults)

    def _filled_in(self, values: dict) -> "TrainingConfig":
        missing = {
            name: value for name, value in values.items() if getattr(self, name) is None
        }
        return dataclasses.replace(self, **missing)

    def resolved(self) -> "TrainingConfig":
        """The same settings with defaults and the preset's values in place of `None`.

        Files get their absolute paths, so that a run can be continued from anywhere.

        Raises:
            ValueError: For settings that cannot work.
        """
        from tf_transformer.models.presets import PRESETS  # imports Keras

        check_values(self)
        config = self.with_defaults()
        settings = PRESET_TRAINING[config.preset]  # pyright: ignore[reportArgumentType]
        changes = {}
        if config.architecture == "transformer":
            sizes = PRESETS[config.preset]  # pyright: ignore[reportArgumentType]
            model = {"normalize_first": sizes.get("normalize_first", False)}
            settings = {**settings, **model}
        if self.init_from is not None:
            peak = FINE_TUNING_PEAK if self.lora_rank is None else LORA_PEAK
            settings = {**settings, "peak": peak}
            changes["preset"] = self.preset  # an imported model has none
        config = config._filled_in(settings)
        if self.epochs is None and self.max_updates is None:
            changes["epochs"] = EPOCHS
        for name in (*FILES, "tokenizer", "init_from"):
            value = getattr(self, name)
            if isinstance(value, tuple):
                changes[name] = tuple(map(os.path.abspath, value))
            elif value is not None:
                changes[name] = os.path.abspath(value)
        if self.data is not None and os.path.exists(self.data):
            changes["data"] = os.path.abspath(self.data)
        if self.data is None and self.train_source is None:
            changes["data"] = DEFAULT_CORPUS
        return dataclasses.replace(config, **changes)
