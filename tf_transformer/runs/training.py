"""Trains a model as a config says, in the folder of a run."""

import dataclasses
import os
import sys
from pathlib import Path

import keras

from tf_transformer.data.datasets import as_keras_dataset
from tf_transformer.inference.translator import Translator
from tf_transformer.layers import SSRUDecoder
from tf_transformer.models import ARCHITECTURES
from tf_transformer.runs.average import add_average
from tf_transformer.runs.callbacks import (
    attention_images,
    callbacks,
    tensorboard,
    translation_quality,
)
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.data import (
    describe_batches,
    describe_references,
    load_corpus,
    make_batches,
    make_tokenizer,
    num_updates,
)
from tf_transformer.runs.devices import device_scope
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.runs.fine_tuning import (
    load_initial_weights,
    with_inherited_settings,
)
from tf_transformer.training.callbacks import KeepBest
from tf_transformer.training.checkpoints import restore_checkpoint
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.metrics import (
    MaskedAccuracy,
    NegativeLogLikelihood,
    Perplexity,
)
from tf_transformer.training.optimizer import Adam
from tf_transformer.training.schedules import TransformerSchedule
from tf_transformer.utils.checksum import DamagedFile

# when a run is continued
MAY_CHANGE = [
    "epochs",
    "patience",
    "validation_sentences",
    "attention_images",
    "devices",
]


def train(config: TrainingConfig, path: str | os.PathLike) -> RunDirectory:
    """Trains as `config` says, in the folder `path`.

    Called again with the same settings after it was stopped, it continues after the
    last finished epoch with the same weights, optimizer, order of data and random
    state, as if it had not been stopped. The number of epochs may be changed; the
    learning rate then follows the schedule of the new number.

    Args:
        config: The settings.
        path: The run's folder.

    Returns:
        The run's directory, with the weights of the best epoch.

    Raises:
        TrainingDiverged: If the loss or a weight is no longer finite.
        ValueError: If the folder holds a run with other settings, or one whose
            checkpoints are gone or damaged.
    """
    run = RunDirectory(path)  # pyright: ignore[reportArgumentType]
    config = with_inherited_settings(config, run).resolved()
    run.check_checkpoints()
    corpus = load_corpus(config)
    keras.utils.set_random_seed(config.seed)
    if run.latest_checkpoint() is not None:
        _check_same(run.config(), config, path)
        tokenizer = run.tokenizer()
    elif config.init_from is not None:
        tokenizer = RunDirectory(config.init_from).tokenizer()
    else:
        tokenizer = make_tokenizer(config, corpus)
    train_batches, valid_batches = make_batches(config, corpus, tokenizer)
    scope = device_scope(config.devices)
    with scope():
        model = make_model(config, tokenizer)
        if run.latest_checkpoint() is None:
            load_initial_weights(config, model)
        compile_model(config, model, num_updates(config, train_batches))
        datasets = as_keras_dataset(train_batches), as_keras_dataset(valid_batches)
    describe_batches(corpus, train_batches, valid_batches)
    describe_references(config, corpus, tokenizer)
    print(
        f"{config.preset} {type(model).__name__}: {model.count_params():,} parameters, "
        f"vocabulary of {model.vocab_size:,} pieces"
    )
    fit(config, run, corpus, model, tokenizer, train_batches, datasets)
    return run


def make_model(config, tokenizer) -> keras.Model:
    """A fresh model of the config's size for the tokenizer's vocabularies."""
    changes = {}
    if config.dropout_rate is not None:
        changes["dropout_rate"] = config.dropout_rate
    if config.score is not None:
        changes["score"] = None if config.score == "none" else config.score
    if config.architecture == "transformer":
        if config.normalization == "rms":
            changes["norm"] = keras.layers.RMSNormalization
        if config.decoder == "ssru":
            changes["decoder"] = SSRUDecoder
        changes["normalize_first"] = config.normalize_first
        changes["num_encoder_layers"] = config.num_encoder_layers
        changes["num_decoder_layers"] = config.num_decoder_layers
    return ARCHITECTURES[config.architecture].from_preset(
        config.preset,
        tokenizer.vocab_size,
        target_vocab_size=tokenizer.target_vocab_size,
        max_length=config.max_length,
        dtype=config.dtype,
        **changes,
    )


def compile_model(config, model, total_steps) -> None:
    """Loss, metrics, and the paper's Adam (section 5.3) with its schedule."""
    accumulation = config.gradient_accumulation_steps
    warmup_steps = min(config.warmup_steps, max(1, total_steps // 4))
    if warmup_steps < config.warmup_steps:
        print(f"Warm-up takes {warmup_steps} of {total_steps} updates.")
    # a shorter warm-up must not raise the rate
    peak = config.peak or (model.d_model * config.warmup_steps) ** -0.5
    schedule = TransformerSchedule(
        model.d_model,
        warmup_steps,
        gradient_accumulation_steps=accumulation,
        peak=peak,
        total_steps=total_steps if config.cooldown else None,
    )
    model.compile(
        optimizer=Adam(
            schedule,
            use_ema=config.ema_momentum is not None,
            ema_momentum=config.ema_momentum or 0.0,
            gradient_accumulation_steps=accumulation if accumulation > 1 else None,
        ),
        loss=MaskedCrossEntropy(config.label_smoothing),
        metrics=[MaskedAccuracy(), NegativeLogLikelihood(), Perplexity()],
    )


def fit(config, run, corpus, model, tokenizer, train_batches, datasets) -> None:
    """`model.fit` from the first epoch, or from where the run was stopped."""
    translator = Translator(model, tokenizer)
    quality = translation_quality(config, corpus, translator)
    monitor = config.monitor
    if monitor not in ("bleu", "chrf"):
        monitor = f"val_{monitor}"
    keep_best = KeepBest(run.best_weights, monitor, config.patience)
    first_epoch, is_done = restore(config, run, model, keep_best)
    train_set, valid_set = datasets
    if is_done:
        print(f"{run.path} has been trained already: {first_epoch} epochs.")
    else:
        run.begin(config, tokenizer, model)
        shown = [
            *tensorboard(config, run, quality, valid_set),
            *attention_images(config, run, corpus, translator),
        ]
        model.fit(
            train_set,
            validation_data=valid_set,
            initial_epoch=first_epoch,
            epochs=config.epochs,
            shuffle=False,  # the batches come in an order of their own
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=callbacks(config, run, train_batches, quality, keep_best, shown),
        )
    if config.average_last > 1:
        add_average(config, run, model, valid_set, quality, keep_best)


def restore(config, run, model, keep_best) -> tuple[int, bool]:
    """Restores a stopped run: its finished epochs, and whether these are all."""
    checkpoint, state = restore_latest(run, model)
    if checkpoint is None:
        return 0, False
    keep_best.restore(state)
    finished = state["epoch"]
    if finished >= config.epochs or keep_best.exhausted(finished - 1):
        return finished, True
    average = run.average()
    if average is not None and average["is_best"]:
        last_epoch = average["epochs"][-1] - 1
        keep_best.restore({"best": average["value"], "best_epoch": last_epoch})
    print(f"Continuing after epoch {finished} from {checkpoint}.")
    return finished, False


def restore_latest(run, model) -> tuple[Path | None, dict]:
    """Restores the latest checkpoint that is not damaged: its file and its state."""
    paths = run.last_checkpoints()
    for path in reversed(paths):
        try:
            return path, restore_checkpoint(path, model)
        except DamagedFile as error:
            print(f"{error}. It is skipped.", flush=True)
    if paths:
        raise ValueError(
            "All checkpoints of the run are damaged. Expected one to continue from, or "
            f"another folder. Received: {run.path}"
        )
    return None, {}


def _check_same(found, config, path) -> None:
    different = [
        field.name
        for field in dataclasses.fields(config)
        if field.name not in MAY_CHANGE
        and getattr(found, field.name) != getattr(config, field.name)
    ]
    if different:
        received = ", ".join(
            f"{name}={getattr(config, name)!r} instead of {getattr(found, name)!r}"
            for name in different
        )
        raise ValueError(
            f"{path} holds a run with other settings. Expected the same settings to "
            f"continue it, or another folder. Received: {received}"
        )
