"""The corpus of a run and its batches."""
# pyright: reportArgumentType=false

import itertools
import os
from pathlib import Path

from tf_transformer.corpora.loading import TFDS_PREFIX, load
from tf_transformer.data import datasets
from tf_transformer.data.batching import EpochBatches
from tf_transformer.data.corpus import Corpus, Pair, split_pairs
from tf_transformer.data.files import (
    PairStream,
    read_tsv,
    stream_parallel,
    stream_tsv,
)
from tf_transformer.data.mixing import Mixture
from tf_transformer.data.tables import TABLES, UNREADABLE
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.fingerprints import UnchangedPairs, training_files
from tf_transformer.training.reference_ceiling import reference_ceiling
from tf_transformer.training.updates import Plan


def load_corpus(config: TrainingConfig) -> Corpus:
    """The pairs that a resolved config names.

    Raises:
        ValueError: If a file has the wrong format, or a corpus is unknown.
    """
    if config.window is not None:
        return _streamed_corpus(config)
    if config.train_source is not None:
        return _parallel_corpus(config)
    if _is_file(config.data):
        return read_tsv(config.data)
    return load(config.data, config.source_language, config.target_language)


def _is_file(data: str) -> bool:
    return os.path.exists(data) or data.lower().endswith((*TABLES, *UNREADABLE))


def _parallel_corpus(config: TrainingConfig) -> Corpus:
    """The pairs of one or several training files, repeated by their weights."""
    parts = [list(stream) for stream in _training_streams(config)]
    splits = _held_out_splits(config)
    if not splits:
        splits = split_pairs(itertools.chain(*parts))
        held_out = {*splits["validation"], *splits["test"]}
        parts = [[pair for pair in part if pair not in held_out] for part in parts]
    train = list(Mixture(parts, config.train_weights))
    splits = {"validation": [], "test": [], **splits, "train": train}
    return Corpus(splits, name=_name(config))


def _training_streams(config: TrainingConfig) -> list[PairStream]:
    files = zip(config.train_source, config.train_target, strict=True)
    return [stream_parallel(*pair) for pair in files]


def _held_out_splits(config: TrainingConfig) -> dict[str, list[Pair]]:
    """The splits that have their own files."""
    splits = {}
    if config.valid_source is not None:
        files = config.valid_source, config.valid_target
        splits["validation"] = list(stream_parallel(*files))
    if config.test_source is not None:
        files = config.test_source, config.test_target
        splits["test"] = list(stream_parallel(*files))
    return splits


def _name(config: TrainingConfig) -> str:
    if config.data is not None:
        return config.data
    return ", ".join(Path(f).name for f in (*config.train_source, *config.train_target))


def _streamed_corpus(config: TrainingConfig) -> Corpus:
    """The train split as a stream; validation and test, which are small, as lists."""
    splits = {}
    if config.train_source is not None:
        splits["train"] = Mixture(_training_streams(config), config.train_weights)
    elif config.data.startswith(TFDS_PREFIX):
        languages = config.source_language, config.target_language
        splits.update(load(config.data, *languages, stream=True).splits)
    else:
        splits["train"] = stream_tsv(config.data)
    files = training_files(config)
    if files:
        splits["train"] = UnchangedPairs(splits["train"], files)
    splits.update(_held_out_splits(config))
    if "validation" not in splits:
        raise ValueError(
            "A stream cannot be split. Expected valid_source and valid_target. "
            f"Received: window={config.window} and {_name(config)}"
        )
    return Corpus(splits, name=_name(config))


def make_tokenizer(config, corpus) -> Tokenizer:
    """The tokenizer of the config's files, or one trained on the corpus.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a model cannot be used, or a vocabulary cannot be trained.
    """
    if config.tokenizer is not None:
        return Tokenizer.from_files(*config.tokenizer)
    return Tokenizer.train(
        corpus.train,
        config.vocab_size,
        shared=config.shared_vocabulary,
        source_normalization=config.source_normalization,
        target_normalization=config.target_normalization,
        source_remove_extra_whitespaces=config.source_remove_extra_whitespaces,
        target_remove_extra_whitespaces=config.target_remove_extra_whitespaces,
        user_defined_symbols=config.user_defined_symbols,
    )


def describe_references(config, corpus, tokenizer) -> None:
    """Prints how many references the tokenizer changes, and the BLEU limit."""
    references = [target for _, target in corpus.validation]
    ceiling = reference_ceiling(tokenizer, references, config.bleu_tokenize)
    if ceiling is not None:
        print(ceiling.message)


def make_batches(config, corpus, tokenizer) -> tuple[EpochBatches, EpochBatches]:
    """Shuffled training batches and validation batches in fixed order."""
    arguments = {
        "static_shapes": config.static_shapes,
        "batch_tokens": config.batch_tokens,
        "max_length": config.max_length,
    }
    train_batches = datasets.make_batches(
        corpus.train,
        tokenizer,
        window=config.window,
        sampling_alpha=config.sampling_alpha,
        shuffle=True,
        seed=config.seed,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        **arguments,
    )
    return train_batches, datasets.make_batches(
        corpus.validation, tokenizer, **arguments
    )


def make_plan(config, train_batches, batches_per_epoch: int | None = None) -> Plan:
    """Updates of an epoch and of the whole training.

    Args:
        config: The settings.
        train_batches: The batches. Those of a stream are counted, which reads and
            encodes all pairs, unless the config counts in updates.
        batches_per_epoch: Optional integer, the result of an earlier count.
    """
    per_epoch = config.validate_every
    if per_epoch is None:
        num_batches = batches_per_epoch or train_batches.count()
        per_epoch = num_batches // config.gradient_accumulation_steps
    return Plan(per_epoch, config.max_updates or per_epoch * config.epochs)


def describe_batches(corpus, train_batches, valid_batches) -> None:
    """Prints how many pairs there are, and how many were dropped and why."""
    counted = "a stream of pairs in"
    if train_batches.num_batches is not None:
        counted = (
            f"{train_batches.num_pairs:,} training pairs ({_dropped(train_batches)}), "
            f"{train_batches.num_batches:,}"
        )
    print(
        f"{corpus.name}: {counted} batches of up to "
        f"{train_batches.batch_tokens:,} tokens; {valid_batches.num_pairs:,} "
        f"validation pairs ({_dropped(valid_batches)})"
    )


def _dropped(batches) -> str:
    if not batches.num_dropped:
        return "none dropped"
    return (
        f"{batches.num_dropped:,} dropped: blank or longer than "
        f"{batches.max_length} tokens"
    )
