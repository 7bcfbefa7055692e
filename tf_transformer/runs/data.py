"""The corpus of a run and its batches."""

import os

from tf_transformer.corpora.loading import TFDS_PREFIX, load
from tf_transformer.data import datasets
from tf_transformer.data.batching import Batches
from tf_transformer.data.corpus import Corpus
from tf_transformer.data.files import (
    read_parallel,
    read_tsv,
    stream_parallel,
    stream_tsv,
)
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.training.reference_ceiling import reference_ceiling


def load_corpus(config: TrainingConfig) -> Corpus:
    """The pairs that a resolved config names.

    Raises:
        ValueError: If files are not what they should be, or a corpus is unknown.
    """
    if config.window is not None:
        return _streamed_corpus(config)
    if config.train_source is not None:
        valid = (config.valid_source, config.valid_target)
        test = (config.test_source, config.test_target)
        return read_parallel(
            config.train_source,
            config.train_target,
            validation=None if valid[0] is None else valid,
            test=None if test[0] is None else test,
        )
    if os.path.exists(config.data) or config.data.endswith((".tsv", ".gz", ".txt")):
        return read_tsv(config.data)
    return load(config.data, config.source_language, config.target_language)


def _streamed_corpus(config: TrainingConfig) -> Corpus:
    """The train split as a stream; validation and test, which are small, as lists."""
    splits = {}
    if config.train_source is not None:
        splits["train"] = stream_parallel(config.train_source, config.train_target)
    elif config.data.startswith(TFDS_PREFIX):
        languages = config.source_language, config.target_language
        splits.update(load(config.data, *languages, stream=True).splits)
    else:
        splits["train"] = stream_tsv(config.data)
    if config.valid_source is not None:
        files = config.valid_source, config.valid_target
        splits["validation"] = list(stream_parallel(*files))
    if config.test_source is not None:
        files = config.test_source, config.test_target
        splits["test"] = list(stream_parallel(*files))
    name = config.data or f"{config.train_source}, {config.train_target}"
    if "validation" not in splits:
        raise ValueError(
            "A stream cannot be split. Expected valid_source and valid_target. "
            f"Received: window={config.window} and {name}"
        )
    return Corpus(splits, name=name)


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
    """Prints it if the tokenizer changes references, and what that costs in BLEU."""
    references = [target for _, target in corpus.validation]
    ceiling = reference_ceiling(tokenizer, references, config.bleu_tokenize)
    if ceiling is not None:
        print(ceiling.message)


def make_batches(config, corpus, tokenizer) -> tuple[Batches, Batches]:
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
        shuffle=True,
        seed=config.seed,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        **arguments,
    )
    return train_batches, datasets.make_batches(
        corpus.validation, tokenizer, **arguments
    )


def num_updates(config, train_batches) -> int:
    """Updates of the whole training; the pairs of a stream are counted for it."""
    per_epoch = train_batches.count() // config.gradient_accumulation_steps
    return per_epoch * config.epochs


def describe_batches(corpus, train_batches, valid_batches) -> None:
    """Prints how many pairs there are, and how many were left out and why."""
    print(
        f"{corpus.name}: {train_batches.num_pairs:,} training pairs "
        f"({_dropped(train_batches)}), {train_batches.num_batches:,} batches of up to "
        f"{train_batches.batch_tokens:,} tokens; {valid_batches.num_pairs:,} "
        f"validation pairs ({_dropped(valid_batches)})"
    )


def _dropped(batches) -> str:
    if not batches.num_dropped:
        return "none dropped"
    return (
        f"{batches.num_dropped:,} dropped: blank or of more than "
        f"{batches.max_length} tokens"
    )
