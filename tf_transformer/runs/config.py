"""All settings of a training run, in the order of the pipeline."""

import dataclasses
import os

from sacrebleu.metrics import BLEU

from tf_transformer.data.sentencepiece_trainer import NORMALIZATION_RULES

BUILT_IN_CORPUS = "en_ko_grammar"
ARCHITECTURES = ("transformer", "recurrent")
NORMALIZATIONS = ("layer", "rms")
SCORES = ("dot", "scaled_dot", "general", "additive", "concat", "none")
DTYPES = ("float32", "mixed_bfloat16", "mixed_float16")
MONITORS = ("bleu", "chrf", "nll", "accuracy")
FILES = tuple(
    f"{split}_{side}"
    for split in ("train", "valid", "test")
    for side in ("source", "target")
)

# fields of a tokenizer that is trained on the pairs
TRAINED_TOKENIZER = (
    *("vocab_size", "shared_vocabulary", "user_defined_symbols"),
    *("source_normalization", "source_remove_extra_whitespaces"),
    *("target_normalization", "target_remove_extra_whitespaces"),
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

    # data: a built-in corpus or tfds:NAME, or a TSV file, or parallel files; by default
    # the built-in corpus
    data: str | None = None
    source_language: str | None = None
    target_language: str | None = None
    train_source: str | None = None
    train_target: str | None = None
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
        if self.tokenizer is not None:
            missing["tokenizer"] = tuple(map(os.path.abspath, self.tokenizer))
        if self.data is not None and os.path.exists(self.data):
            missing["data"] = os.path.abspath(self.data)
        if self.data is None and self.train_source is None:
            missing["data"] = BUILT_IN_CORPUS
        return dataclasses.replace(self, **missing)

    def _check(self) -> None:
        self._check_data()
        self._check_tokenizer()
        for name, allowed in (
            ("architecture", ARCHITECTURES),
            ("score", (None, *SCORES)),
            ("preset", tuple(PRESET_TRAINING)),
            ("source_normalization", NORMALIZATION_RULES),
            ("target_normalization", NORMALIZATION_RULES),
            ("normalization", NORMALIZATIONS),
            ("dtype", DTYPES),
            ("monitor", MONITORS),
            ("bleu_tokenize", tuple(BLEU.TOKENIZERS)),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"Unknown {name}. Expected one of {', '.join(map(str, allowed))}. "
                    f"Received: {getattr(self, name)!r}"
                )
        for name in (
            *("epochs", "patience", "average_last", "devices"),
            *("batch_tokens", "window", "warmup_steps", "telemetry"),
        ):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1. Received: {value}")
        self._check_model()
        if self.peak is not None and self.peak <= 0:
            raise ValueError(f"peak must be above 0. Received: {self.peak}")
        self._check_averages()
        self._check_attention_images()
        if self.monitor in ("bleu", "chrf") and self.validation_sentences < 1:
            raise ValueError(
                f"The best epoch is chosen by {self.monitor}, which needs translations."
                " Expected validation_sentences of at least 1, or monitor='nll'. "
                f"Received: validation_sentences={self.validation_sentences}"
            )

    def _check_tokenizer(self) -> None:
        if self.tokenizer is None:
            return
        if isinstance(self.tokenizer, str) or len(self.tokenizer) not in (1, 2):
            raise ValueError(
                "tokenizer names SentencePiece model files. Expected a list of one "
                "file for both sides, or of two: the source's and the target's. "
                f"Received: {self.tokenizer!r}"
            )
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name in TRAINED_TOKENIZER
            if getattr(self, name) != getattr(TrainingConfig, name)
        ]
        if changed:
            raise ValueError(
                "The tokenizer's files hold its vocabulary and normalization. Expected "
                f"none of {', '.join(TRAINED_TOKENIZER)} beside tokenizer. "
                f"Received: {', '.join(changed)}"
            )

    def _check_model(self) -> None:
        if self.score is not None and self.architecture != "recurrent":
            raise ValueError(
                "Only the recurrent model has score functions to choose from. Expected "
                f"architecture='recurrent'. Received: {self.architecture!r} with "
                f"score={self.score!r}"
            )
        is_paper = self.normalization == "layer" and not self.normalize_first
        if self.architecture != "transformer" and not is_paper:
            raise ValueError(
                "Only the Transformer has normalizations to choose from. Expected "
                f"architecture='transformer'. Received: {self.architecture!r} with "
                f"normalization={self.normalization!r}, "
                f"normalize_first={self.normalize_first}"
            )

    def _check_attention_images(self) -> None:
        if self.attention_images < 0:
            raise ValueError(
                f"attention_images must not be negative. Received: "
                f"{self.attention_images}"
            )
        if self.attention_images and self.score == "none":
            raise ValueError(
                "There is no attention to draw. Expected attention_images=0, or "
                "another score. Received: score='none', "
                f"attention_images={self.attention_images}"
            )

    def _check_averages(self) -> None:
        if self.ema_momentum is not None and not 0 < self.ema_momentum < 1:
            raise ValueError(
                "ema_momentum must lie between 0 and 1, such as 0.999. Received: "
                f"{self.ema_momentum}"
            )
        if self.ema_momentum is not None and self.average_last > 1:
            raise ValueError(
                "Weights are averaged in one way. Expected ema_momentum or "
                f"average_last. Received: ema_momentum={self.ema_momentum}, "
                f"average_last={self.average_last}"
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
        if self.train_source is None and others and self.window is None:
            raise ValueError(
                "Validation and test files go with training files. Expected "
                "train_source and train_target, or window and data. "
                f"Received: {', '.join(others)} only"
            )
        self._check_named_data()
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

    def _check_named_data(self) -> None:
        is_built_in = self.data in (None, BUILT_IN_CORPUS) and self.train_source is None
        if self.window is not None and is_built_in:
            raise ValueError(
                "The built-in corpus is no stream. Expected a window with files or "
                f"a TFDS set. Received: window={self.window}, data={self.data}"
            )
        languages = self.source_language, self.target_language
        named = self.data is None or not os.path.exists(self.data)
        if languages != (None, None) and not (named and self.train_source is None):
            raise ValueError(
                "Files have the direction they are read in. Expected source_language "
                "and target_language only with a corpus that is named. "
                f"Received: source_language={languages[0]}, "
                f"target_language={languages[1]}"
            )
