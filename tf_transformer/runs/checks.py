"""Checks of a run's settings, one function per subject."""

import dataclasses
import math
import types
import typing

from sacrebleu.metrics import BLEU

from tf_transformer.runs.choices import (
    CHOICES,
    DEFAULTS,
    DROPOUT_RATES,
    MODEL_DEFAULTS,
    TRAINED_TOKENIZER_DEFAULTS,
)
from tf_transformer.runs.data_checks import check_data
from tf_transformer.utils.interval import parse_interval

AT_LEAST_1 = (
    *("max_updates", "validate_every", "model_devices"),
    *("epochs", "patience", "average_last", "devices", "vocab_size", "batch_tokens"),
    *("window", "gradient_accumulation_steps", "warmup_steps", "telemetry"),
    *("num_encoder_layers", "num_decoder_layers", "d_model", "num_heads", "d_ff"),
    "lora_rank",
)
# fields that only a Transformer has
TRANSFORMER_ONLY = (
    *("num_encoder_layers", "num_decoder_layers", "num_heads", "d_ff", "decoder"),
    *("normalization", "normalize_first"),
    *("attention_dropout_rate", "word_dropout_rate"),
)
SHARES = (*DROPOUT_RATES, "label_smoothing")


def check_types(config) -> None:
    """Checks that each value has the type of its field.

    Raises:
        ValueError: If a value has another type, as in an edited `config.json`.
    """
    hints = typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        kind = hints[field.name]
        options = typing.get_args(kind) if isinstance(kind, types.UnionType) else [kind]
        if not any(_is_instance(value, option) for option in options):
            raise ValueError(
                f"{field.name} has the wrong type. Expected {field.type}. "
                f"Received: {value!r}"
            )


def _is_instance(value, kind) -> bool:
    if typing.get_origin(kind) is tuple:
        item, _ = typing.get_args(kind)
        return isinstance(value, tuple) and all(_is_instance(v, item) for v in value)
    if kind is float:
        kind = int | float
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def check_values(config) -> None:
    """Checks each setting, and whether the settings fit together.

    Raises:
        ValueError: For settings that cannot work.
    """
    check_types(config)
    check_data(config)
    _check_tokenizer(config)
    _check_choices(config)
    _check_numbers(config)
    _check_updates(config)
    _check_model(config)
    _check_lora(config)
    _check_averages(config)
    _check_attention_images(config)
    _check_telemetry(config)
    _check_devices(config)


def _check_choices(config) -> None:
    for name, allowed in CHOICES.items():
        value = getattr(config, name)
        may_be_none = name in ("score", "distribute") or name in DEFAULTS
        if value not in allowed and not (value is None and may_be_none):
            raise ValueError(
                f"Unknown {name}. Expected one of {', '.join(allowed)}. "
                f"Received: {value!r}"
            )
    check_bleu_tokenizer(config.bleu_tokenize)


def check_bleu_tokenizer(name: str) -> None:
    """Checks that one of sacreBLEU's tokenizers can be used.

    Raises:
        ValueError: If a package is missing, or a model cannot be downloaded.
    """
    try:
        BLEU(tokenize=name)
    except OSError as error:
        raise ValueError(
            f"sacreBLEU cannot download the model of its tokenizer {name!r}. Expected "
            f"another --bleu-tokenize, or a connection. Received: {error}"
        ) from error
    except (ImportError, RuntimeError) as error:
        raise ValueError(
            f"sacreBLEU's tokenizer {name!r} is not installed. Expected: pip install "
            f"sacrebleu[{name[:2]}]. Received: {type(error).__name__}"
        ) from error


def _check_numbers(config) -> None:
    for name in AT_LEAST_1:
        value = getattr(config, name)
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1. Received: {value}")
    for name in SHARES:
        value = getattr(config, name)
        if value is not None and not 0 <= value < 1:
            raise ValueError(f"{name} must lie in [0, 1). Received: {value}")
    if config.max_length is not None and config.max_length < 2:  # a token and the end
        raise ValueError(
            f"max_length must be at least 2. Received: {config.max_length}"
        )
    if not 0 <= config.seed < 2**32:
        raise ValueError(f"seed must lie in [0, 2**32). Received: {config.seed}")
    if config.peak is not None and not 0 < config.peak < math.inf:
        raise ValueError(f"peak must be above 0. Received: {config.peak}")
    if config.sampling_alpha is not None and not 0 < config.sampling_alpha <= 1:
        raise ValueError(
            f"sampling_alpha must lie in (0, 1]. Received: {config.sampling_alpha}"
        )
    if not 0 <= config.r_drop < math.inf:
        raise ValueError(f"r_drop must be at least 0. Received: {config.r_drop}")
    if config.validation_sentences < 0:
        raise ValueError(
            "validation_sentences must not be negative. Received: "
            f"{config.validation_sentences}"
        )
    if config.monitor in ("bleu", "chrf") and config.validation_sentences < 1:
        raise ValueError(
            f"The best epoch is chosen by {config.monitor}, which needs translations."
            " Expected validation_sentences of at least 1, or monitor='nll'. "
            f"Received: validation_sentences={config.validation_sentences}"
        )


def _check_updates(config) -> None:
    parse_interval(config.checkpoint_every)
    if config.epochs is not None and config.max_updates is not None:
        raise ValueError(
            "The length of the training is set twice. Expected epochs or max_updates. "
            f"Received: epochs={config.epochs}, max_updates={config.max_updates}"
        )
    if config.validate_every is not None and config.max_updates is None:
        raise ValueError(
            "validate_every sets the number of updates of an epoch. Expected "
            f"max_updates too. Received: validate_every={config.validate_every}"
        )
    if config.decay != "inverse_sqrt" and not config.cooldown:
        raise ValueError(
            "The cosine and the linear decay end at zero. Expected "
            f"decay='inverse_sqrt', or cooldown. Received: decay={config.decay!r}, "
            "cooldown=False"
        )


def _check_tokenizer(config) -> None:
    if config.tokenizer is None:
        return
    if len(config.tokenizer) not in (1, 2):
        raise ValueError(
            "tokenizer names SentencePiece model files. Expected a list of one "
            "file for both sides, or of two: the source's and the target's. "
            f"Received: {config.tokenizer!r}"
        )
    changed = _changed(config, TRAINED_TOKENIZER_DEFAULTS)
    if changed:
        raise ValueError(
            "The tokenizer's files contain its vocabulary and normalization. Expected "
            f"none of {', '.join(TRAINED_TOKENIZER_DEFAULTS)} with tokenizer. "
            f"Received: {', '.join(changed)}"
        )


def _changed(config, names) -> list[str]:
    """The fields among `names` that were set to a value other than their default.

    With a tokenizer's files, not even the default value may be set.
    """
    return [
        f"{name}={getattr(config, name)!r}"
        for name in names
        if getattr(config, name) not in (None, MODEL_DEFAULTS.get(name))
    ]


def _check_model(config) -> None:
    architecture = config.architecture or DEFAULTS["architecture"]
    if config.score is not None and architecture != "recurrent":
        raise ValueError(
            "Only the recurrent model has score functions to choose from. Expected "
            f"architecture='recurrent'. Received: {architecture!r} with "
            f"score={config.score!r}"
        )
    changed = _changed(config, TRANSFORMER_ONLY)
    if architecture != "transformer" and changed:
        raise ValueError(
            f"Only the Transformer has {', '.join(TRANSFORMER_ONLY)}. Expected "
            f"architecture='transformer'. Received: {architecture!r} with "
            f"{', '.join(changed)}"
        )


def _check_lora(config) -> None:
    if config.lora_rank is None:
        return
    if config.init_from is None or config.architecture == "recurrent":
        raise ValueError(
            "lora_rank trains changes of a trained Transformer's weights. Expected "
            "init_from, the run of a Transformer. Received: "
            f"init_from={config.init_from!r}, architecture={config.architecture!r}"
        )
    if config.average_last > 1:
        raise ValueError(
            "Low-rank changes cannot be averaged. Expected lora_rank or "
            f"average_last. Received: lora_rank={config.lora_rank}, "
            f"average_last={config.average_last}"
        )


def _check_attention_images(config) -> None:
    if config.attention_images < 0:
        raise ValueError(
            f"attention_images must not be negative. Received: "
            f"{config.attention_images}"
        )
    if config.attention_images and config.score == "none":
        raise ValueError(
            "There is no attention to draw. Expected attention_images=0, or "
            "another score. Received: score='none', "
            f"attention_images={config.attention_images}"
        )


def _check_devices(config) -> None:
    if config.model_devices is not None and config.distribute != "model":
        raise ValueError(
            "model_devices share one copy of the weights. Expected distribute='model'. "
            f"Received: model_devices={config.model_devices}, "
            f"distribute={config.distribute!r}"
        )
    if config.distribute in ("data", "model") and config.attention_images:
        raise ValueError(
            "Attention images need one device. Expected attention_images=0. Received: "
            f"attention_images={config.attention_images}, "
            f"distribute={config.distribute!r}"
        )


def _check_averages(config) -> None:
    if config.ema_momentum is not None and not 0 < config.ema_momentum < 1:
        raise ValueError(
            "ema_momentum must lie between 0 and 1, such as 0.999. Received: "
            f"{config.ema_momentum}"
        )
    if config.ema_momentum is not None and config.average_last > 1:
        raise ValueError(
            "Weights can be averaged in one way only. Expected ema_momentum or "
            f"average_last. Received: ema_momentum={config.ema_momentum}, "
            f"average_last={config.average_last}"
        )


def _check_telemetry(config) -> None:
    if config.telemetry is None:
        return
    import keras  # `--help` must not load a backend

    if keras.backend.backend() == "tensorflow":
        return
    raise ValueError(
        "Telemetry takes gradients with TensorFlow. Expected no telemetry, or "
        f"KERAS_BACKEND=tensorflow. Received: telemetry={config.telemetry} on "
        f"{keras.backend.backend()}"
    )
