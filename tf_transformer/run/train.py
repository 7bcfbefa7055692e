"""Config to fit to run directory."""

import dataclasses
import math
import os
import sys

import keras

from tf_transformer.data.batching import Batches
from tf_transformer.data.datasets import as_keras_dataset
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.models import Transformer
from tf_transformer.run.config import TrainingConfig
from tf_transformer.run.data import load_corpus
from tf_transformer.run.directory import RunDirectory
from tf_transformer.run.evaluate import translate_what_fits
from tf_transformer.training.callbacks import (
    JsonLog,
    KeepBest,
    SaveCheckpoint,
    TranslationQuality,
)
from tf_transformer.training.checkpoints import restore_checkpoint
from tf_transformer.training.losses import MaskedCrossEntropy
from tf_transformer.training.metrics import (
    MaskedAccuracy,
    NegativeLogLikelihood,
    Perplexity,
)
from tf_transformer.training.schedules import TransformerSchedule
from tf_transformer.translator import Translator


def train(config: TrainingConfig, path: str | os.PathLike) -> RunDirectory:
    """Trains as `config` says, in the folder `path`.

    Called again with the same settings after it was stopped, it continues after the
    last finished epoch with the same weights, optimizer, order of data and random
    state, as if it had not been stopped. The number of epochs may have been changed;
    the learning rate then follows the schedule of the new number.

    Args:
        config: The settings.
        path: The run's folder.

    Returns:
        The run's directory, with the weights of the best epoch.

    Raises:
        ValueError: If the folder holds a run with other settings.
    """
    config = config.resolved()
    run = RunDirectory(path)
    corpus = load_corpus(config)
    keras.utils.set_random_seed(config.seed)
    if run.latest_checkpoint() is not None:
        _check_same(run.config(), config, path)
        tokenizer = run.tokenizer()
    else:
        tokenizer = Tokenizer.train(
            corpus.train, config.vocab_size, shared=config.shared_vocabulary
        )
    train_batches, valid_batches = make_batches(config, corpus, tokenizer)
    model = make_model(config, tokenizer)
    compile_model(config, model, num_updates(config, train_batches))
    _print_summary(config, corpus, model, train_batches)
    fit(config, run, corpus, model, tokenizer, train_batches, valid_batches)
    return run


def make_batches(config, corpus, tokenizer) -> tuple[Batches, Batches]:
    """Shuffled training batches and validation batches in fixed order."""
    arguments = {"batch_tokens": config.batch_tokens, "max_length": config.max_length}
    return (
        Batches(
            corpus.train,
            tokenizer,
            shuffle=True,
            seed=config.seed,
            gradient_accumulation_steps=config.gradient_accumulation_steps,
            **arguments,
        ),
        Batches(corpus.validation, tokenizer, **arguments),
    )


def make_model(config, tokenizer) -> Transformer:
    """A fresh model of the config's size for the tokenizer's vocabularies."""
    changes = {}
    if config.dropout_rate is not None:
        changes["dropout_rate"] = config.dropout_rate
    return Transformer.from_preset(
        config.preset,
        tokenizer.vocab_size,
        target_vocab_size=tokenizer.target_vocab_size,
        max_length=config.max_length,
        dtype=config.dtype,
        **changes,
    )


def num_updates(config, train_batches) -> int:
    """Updates of the whole training."""
    per_epoch = math.ceil(len(train_batches) / config.gradient_accumulation_steps)
    return per_epoch * config.epochs


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
        optimizer=keras.optimizers.Adam(
            schedule,
            beta_2=0.98,
            epsilon=1e-9,
            gradient_accumulation_steps=accumulation if accumulation > 1 else None,
        ),
        loss=MaskedCrossEntropy(config.label_smoothing),
        metrics=[MaskedAccuracy(), NegativeLogLikelihood(), Perplexity()],
    )


def fit(config, run, corpus, model, tokenizer, train_batches, valid_batches) -> None:
    """`model.fit` from the first epoch, or from where the run was stopped."""
    translator = Translator(model, tokenizer)
    quality = None
    if config.validation_sentences:
        quality = TranslationQuality(
            lambda texts: translate_what_fits(translator, texts, beam_size=1),
            corpus.validation[: config.validation_sentences],
            tokenize=config.bleu_tokenize,
        )
    monitor = config.monitor
    if monitor not in ("bleu", "chrf"):
        monitor = f"val_{monitor}"
    keep_best = KeepBest(run.best_weights, monitor, config.patience)
    # what Keras prefetches or peeks at must not move the order on
    in_order = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: setattr(train_batches, "epoch", epoch)
    )
    first_epoch = 0
    checkpoint = run.latest_checkpoint()
    if checkpoint is not None:
        state = restore_checkpoint(checkpoint, model)
        keep_best.restore(state)
        first_epoch = state["epoch"]
        if first_epoch >= config.epochs or keep_best.exhausted(first_epoch - 1):
            print(f"{run.path} has been trained already: {first_epoch} epochs.")
            return
        print(f"Continuing after epoch {first_epoch} from {checkpoint}.")
    run.begin(config, tokenizer, model)
    model.fit(
        as_keras_dataset(train_batches),
        validation_data=as_keras_dataset(valid_batches),
        initial_epoch=first_epoch,
        epochs=config.epochs,
        shuffle=False,  # the batches come in an order of their own
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[
            in_order,
            *([quality] if quality else []),
            keep_best,
            *tensorboard(run, quality),
            JsonLog(run.json_log),
            SaveCheckpoint(run.checkpoints, keep_best),
        ],
    )


def tensorboard(run, quality) -> list:
    """TensorBoard's log where TensorFlow is there to write it."""
    from tf_transformer.training.tensorboard import TensorBoardLog

    try:
        return [TensorBoardLog(run.logs, quality)]
    except ImportError as error:
        print(f"No TensorBoard log: {error}")
        return []


def _check_same(found, config, path) -> None:
    different = [
        field.name
        for field in dataclasses.fields(config)
        if field.name not in ("epochs", "patience", "validation_sentences")
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


def _print_summary(config, corpus, model, train_batches) -> None:
    print(
        f"{corpus.name}: {train_batches.num_pairs} training pairs "
        f"({train_batches.num_dropped} dropped), {len(corpus.validation)} validation "
        f"pairs; {len(train_batches)} batches of up to {config.batch_tokens} tokens"
    )
    print(
        f"{config.preset} Transformer: {model.count_params():,} parameters, "
        f"vocabulary of {model.vocab_size:,} pieces"
    )
