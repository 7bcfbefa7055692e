"""Trains a model with the settings of a `TrainingConfig`, in the folder of a run."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator

import keras

from tf_transformer.data.datasets import as_keras_dataset
from tf_transformer.data.endless import EndlessBatches, as_endless_dataset
from tf_transformer.inference.translator import Translator
from tf_transformer.layers import SSRUDecoder
from tf_transformer.models import ARCHITECTURES
from tf_transformer.runs.average import add_average
from tf_transformer.runs.callbacks import translation_quality
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.data import (
    describe_batches,
    describe_references,
    load_corpus,
    make_batches,
    make_plan,
    make_tokenizer,
)
from tf_transformer.runs.devices import device_scope, distribution
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.runs.fine_tuning import (
    inherited_arguments,
    load_initial_weights,
    with_inherited_settings,
)
from tf_transformer.runs.fingerprints import check_unchanged, fingerprints
from tf_transformer.runs.fitting import Fitting, make_parts, restore_latest
from tf_transformer.training.lora import add_lora
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.metrics import (
    MaskedAccuracy,
    NegativeLogLikelihood,
    Perplexity,
)
from tf_transformer.training.optimizer import Adam
from tf_transformer.training.r_drop import RDropCrossEntropy
from tf_transformer.training.schedules import TransformerSchedule
from tf_transformer.training.updates import UpdateCounter, progress_of
from tf_transformer.utils.lock import locked
from tf_transformer.utils.processes import (
    check_agreement,
    failing_together,
    is_first_process,
)

# settings that may change when a run is resumed
MAY_CHANGE = [
    "epochs",
    "max_updates",
    "checkpoint_every",
    "patience",
    "validation_sentences",
    "attention_images",
    "distribute",
    "devices",
    "model_devices",
]


def train(config: TrainingConfig, path: str | os.PathLike) -> RunDirectory:
    """Trains a model, or resumes its training, in the folder `path`.

    If the folder contains an interrupted run with the same settings, training resumes
    from the latest checkpoint: weights, optimizer, position in the data and random
    state are the same as without the interruption. The number of epochs or updates
    may change; the learning rate then follows the new schedule. After SIGTERM,
    training writes a checkpoint at the next update and ends.

    Several processes (`runs/processes.py`) call it with the same settings and a folder
    that all of them can read; the first one writes.

    Args:
        config: The settings.
        path: The run's folder.

    Returns:
        The run's directory, with the weights of the best epoch.

    Raises:
        TrainingDiverged: If the loss or a weight is no longer finite.
        TrainingTerminated: After SIGTERM.
        FolderInUse: If another training runs in the folder.
        AnotherProcessFailed: If another of several processes could not start.
        ValueError: If the folder contains a run with other settings or data, or a run
            whose checkpoints are missing or damaged.
    """
    run = RunDirectory(path)  # pyright: ignore[reportArgumentType]
    with contextlib.ExitStack() as stack:
        with failing_together():
            stack.enter_context(_writing_alone(run.path))
            stack.enter_context(distribution(config))
            prepared = _prepare(config, run)
        _train(run, *prepared)
    return run


@contextlib.contextmanager
def _writing_alone(folder) -> Iterator[None]:
    if is_first_process():
        with locked(folder):
            yield
        return
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        yield


def _prepare(config: TrainingConfig, run: RunDirectory) -> tuple:
    """Reads settings and data, without communication between processes."""
    config = with_inherited_settings(config, run).resolved()
    run.check_checkpoints()
    is_new = run.latest_checkpoint() is None
    files = fingerprints(config)
    if not is_new:
        _check_same(run.config(), config, run.path)
        _check_same_backend(run.contents().get("backend"), run.path)
        check_unchanged(run.contents().get("data", {}), files, run.path)
    corpus = load_corpus(config)
    keras.utils.set_random_seed(config.seed)
    tokenizer = _tokenizer(config, run, corpus, is_new)
    train_batches, valid_batches = make_batches(config, corpus, tokenizer)
    return config, files, corpus, tokenizer, train_batches, valid_batches


def _train(run, config, files, corpus, tokenizer, train_batches, valid_batches):
    latest = run.latest_checkpoint()
    is_new = latest is None
    pieces = [tokenizer.source_vocabulary(), tokenizer.target_vocabulary()]
    check_agreement(repr([config, files, pieces, is_new or latest.name]))
    scope = device_scope(config.devices, config.distribute)
    with scope():
        model = make_model(config, tokenizer, inherited_arguments(config, run))
        if is_new:
            load_initial_weights(config, model)
        if config.lora_rank is not None:
            add_lora(model, config.lora_rank)
        counted = None if is_new else run.contents().get("batches_per_epoch")
        plan = make_plan(config, train_batches, counted)
        compile_model(config, model, plan.total)
        _, state = checkpoint = restore_latest(run, model)
        endless = EndlessBatches(train_batches, progress_of(state.get("data")))
        datasets = as_endless_dataset(endless), as_keras_dataset(valid_batches)
    describe_batches(corpus, train_batches, valid_batches)
    describe_references(config, corpus, tokenizer)
    print(
        f"{type(model).__name__}: {model.count_params():,} parameters, "
        f"vocabulary of {model.vocab_size:,} pieces"
    )
    translator = Translator(model, tokenizer)
    quality = translation_quality(config, corpus, translator)
    parts = make_parts(config, run, UpdateCounter(plan, endless), quality)
    fitting = Fitting(config, run, translator, corpus, files, quality, parts)
    fitting.fit(*datasets, *checkpoint)
    if config.average_last > 1:
        add_average(config, run, model, datasets[1], quality, parts["best"])


def _tokenizer(config, run, corpus, is_new):
    if not is_new:
        return run.tokenizer()
    if config.init_from is not None:
        return RunDirectory(config.init_from).tokenizer()
    return make_tokenizer(config, corpus)


def make_model(config, tokenizer, arguments=None) -> keras.Model:
    """Makes an untrained model for the tokenizer's vocabularies.

    Args:
        config: The settings.
        tokenizer: The tokenizer.
        arguments: Optional arguments of the model that replace the settings in
            `config`.
    """
    if arguments is not None:
        return ARCHITECTURES[config.architecture](**arguments, dtype=config.dtype)
    names = ["dropout_rate", "d_model"]
    if config.architecture == "transformer":
        names += ["num_encoder_layers", "num_decoder_layers", "num_heads", "d_ff"]
        names += ["normalize_first", "attention_dropout_rate", "word_dropout_rate"]
    values = {name: getattr(config, name) for name in names}
    changes = {name: value for name, value in values.items() if value is not None}
    if config.score is not None:
        changes["score"] = None if config.score == "none" else config.score
    if config.normalization == "rms":
        changes["norm"] = keras.layers.RMSNormalization
    if config.decoder == "ssru":
        changes["decoder"] = SSRUDecoder
    return ARCHITECTURES[config.architecture].from_preset(
        config.preset,
        tokenizer.vocab_size,
        target_vocab_size=tokenizer.target_vocab_size,
        max_length=config.max_length,
        dtype=config.dtype,
        **changes,
    )


def compile_model(config, model, total_steps) -> None:
    """Compiles with MaskedCrossEntropy, metrics, and the paper's Adam and schedule."""
    accumulation = config.gradient_accumulation_steps
    warmup_steps = min(config.warmup_steps, max(1, total_steps // 4))
    if warmup_steps < config.warmup_steps:
        print(f"Warm-up takes {warmup_steps} of {total_steps} updates.")
    # keep the configured warm-up's peak: a shorter warm-up has a higher peak
    peak = config.peak or (model.d_model * config.warmup_steps) ** -0.5
    schedule = TransformerSchedule(
        model.d_model,
        warmup_steps,
        gradient_accumulation_steps=accumulation,
        peak=peak,
        total_steps=total_steps if config.cooldown else None,
        decay=config.decay,
    )
    model.compile(
        optimizer=Adam(
            schedule,
            use_ema=config.ema_momentum is not None,
            ema_momentum=config.ema_momentum or 0.0,
            gradient_accumulation_steps=accumulation if accumulation > 1 else None,
        ),
        loss=make_loss(config),
        metrics=[MaskedAccuracy(), NegativeLogLikelihood(), Perplexity()],
    )


def make_loss(config) -> MaskedCrossEntropy:
    """The loss of a run: cross entropy, with R-Drop if it is set."""
    if config.r_drop:
        return RDropCrossEntropy(config.r_drop, label_smoothing=config.label_smoothing)
    return MaskedCrossEntropy(config.label_smoothing)


def _check_same_backend(run_backend: str | None, path) -> None:
    backend = keras.backend.backend()
    if run_backend not in (None, backend):
        raise ValueError(
            f"{path} was trained on another backend, whose batches and random numbers "
            f"differ. Expected KERAS_BACKEND={run_backend}, or another folder with "
            f"init_from={path}. Received: KERAS_BACKEND={backend}"
        )


def _check_same(run_config, config, path) -> None:
    different = [
        field.name
        for field in dataclasses.fields(config)
        if field.name not in MAY_CHANGE
        and getattr(run_config, field.name) != getattr(config, field.name)
    ]
    if different:
        received = ", ".join(
            f"{name}={getattr(config, name)!r} instead of {getattr(run_config, name)!r}"
            for name in different
        )
        raise ValueError(
            f"{path} contains a run with other settings. Expected the same settings to "
            f"continue it, or another folder. Received: {received}"
        )
