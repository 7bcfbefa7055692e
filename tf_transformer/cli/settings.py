"""The options of `train`, one for each field of `TrainingConfig`."""

import argparse
import dataclasses
import typing

from tf_transformer.runs.choices import (
    CHOICES,
    DEFAULTS,
    FINE_TUNING_PEAK,
    LORA_PEAK,
)
from tf_transformer.runs.config import TrainingConfig

# options that take several words, and the name of a word
LISTS = {
    "train_source": "FILE",
    "train_target": "FILE",
    "train_weights": "INT",
    "tokenizer": "FILE",
    "user_defined_symbols": "SYMBOL",
}
HELP = {
    "init_from": "start from the tokenizer and the best weights of another run "
    "(fine-tuning); its tokenizer and model settings are used",
    "lora_rank": "with --init-from: rank of LoRA, such as 16; trains low-rank changes "
    "of the dense layers instead of all weights; weight files contain the sums",
    "data": "a file of pairs, .tsv, .csv or .jsonl, also .gz; a set of TensorFlow "
    "Datasets, such as tfds:ted_hrlr_translate/pt_to_en; or a built-in corpus, "
    "en_ko_grammar (the default), korean_numbers or dates",
    "source_language": "source language of a named corpus; by default the corpus's",
    "target_language": "target language of a named corpus",
    "train_source": "files of source sentences, one per line, plain or .gz",
    "train_target": "files of their translations, one per line",
    "train_weights": "how often an epoch contains the pairs of each training file; by "
    "default once",
    "valid_source": "validation sentences; by default 2 %% of the pairs are held out",
    "valid_target": "their translations",
    "test_source": "test sentences",
    "test_target": "their translations",
    "tokenizer": "SentencePiece model file of both sides, or the source's and the "
    "target's; by default a vocabulary is trained on the pairs",
    "vocab_size": "maximum size of the vocabulary",
    "shared_vocabulary": "one vocabulary for both sides",
    "source_normalization": "SentencePiece normalization rule for the source",
    "target_normalization": "the same for the target; identity: no normalization",
    "source_remove_extra_whitespaces": "merge and trim spaces in the source",
    "target_remove_extra_whitespaces": "merge and trim spaces in the target",
    "user_defined_symbols": "strings that are always one token, such as '<2de>'",
    "architecture": "Transformer, or recurrent network with attention",
    "score": "score function of the recurrent model; none: no attention; by default "
    "the preset's",
    "preset": "size of the model; tiny, small: for 2 CPU cores; base, big: the paper's",
    "num_encoder_layers": "layers of the Transformer's encoder; by default the "
    "preset's",
    "num_decoder_layers": "layers of the Transformer's decoder; by default the "
    "preset's",
    "d_model": "width of embeddings and layers; by default the preset's",
    "num_heads": "attention heads of the Transformer; by default the preset's",
    "d_ff": "inner width of the Transformer's feed-forward networks; by default the "
    "preset's",
    "decoder": "first sub-layer of the decoder; ssru is a recurrent unit with a state "
    "of constant size",
    "normalization": "normalization of the Transformer; the paper's is layer",
    "normalize_first": "pre-norm instead of the paper's post-norm; by default the "
    "preset's",
    "dropout_rate": "dropout rate of embeddings and sub-layers; by default the "
    "preset's",
    "attention_dropout_rate": "dropout rate of attention weights; by default 0, or the "
    "other run's",
    "word_dropout_rate": "dropout rate of tokens, whose whole embedding is 0 in "
    "training; by default 0, or the other run's",
    "max_length": "maximum length of a sentence in tokens; longer pairs are dropped",
    "dtype": "precision",
    "sampling_alpha": "subword regularization, such as 0.3: sample a new segmentation "
    "of the training pairs in each epoch, with probabilities to the power of alpha; "
    "for unigram vocabularies (default: always the best segmentation)",
    "batch_tokens": "maximum number of tokens on each side of a batch, padding "
    "included; by default the preset's",
    "static_shapes": "use at most 12 different batch shapes, for compilers; by "
    "default on, except on TensorFlow",
    "window": "number of pairs to keep in memory, for files larger than memory, which "
    "are read again in each epoch; needs validation files",
    "gradient_accumulation_steps": "batches per update",
    "seed": "seed of initial weights, dropout and the order of batches",
    "distribute": "how devices share the work; mirrored: TensorFlow, GPUs of this "
    "machine (the default for several); data, model: JAX, one or several processes; "
    "model also divides each copy of the weights",
    "devices": "number of devices of all processes together; by default all, but 1 on "
    "JAX without --distribute",
    "model_devices": "with --distribute model: number of devices that share one copy "
    "of the weights; by default the number of devices of a process",
    "epochs": "passes over the training pairs (default: 10)",
    "max_updates": "number of updates, instead of --epochs; streamed pairs are then "
    "not counted first",
    "warmup_steps": "updates until the peak learning rate; by default the preset's",
    "peak": "peak learning rate; by default the preset's, "
    f"{FINE_TUNING_PEAK:g} with --init-from, {LORA_PEAK:g} with --lora-rank",
    "decay": "learning rate after the warm-up; cosine and linear end at zero",
    "cooldown": "with inverse_sqrt: fall linearly to zero over the last third",
    "label_smoothing": "the paper's epsilon_ls",
    "r_drop": "alpha of R-Drop: each batch passes through the model twice, and alpha "
    "weights the divergence of the two predictions; 0: one pass",
    "ema_momentum": "validate and save an exponential moving average of the weights "
    "with this momentum, such as 0.999",
    "validate_every": "number of updates in an epoch, after which the model is "
    "validated; by default a pass over the pairs; needs --max-updates",
    "checkpoint_every": "interval of checkpoints within an epoch, in updates or "
    "minutes, such as 500 or 10m",
    "monitor": "metric that chooses the best epoch",
    "patience": "number of epochs without improvement after which training stops",
    "validation_sentences": "number of sentences translated after each epoch",
    "average_last": "number of last epochs whose weights are averaged when training "
    "ends; the average replaces the best weights if it scores better",
    "bleu_tokenize": "sacreBLEU's tokenizer: 13a, char, intl, zh, ...",
    "telemetry": "number of updates between statistics of attention and gradients in "
    "TensorBoard (default: none are written)",
    "attention_images": "number of validation sentences whose attention TensorBoard "
    "shows after each epoch; needs tf_transformer[pictures]",
}


def add_settings(verb: argparse.ArgumentParser) -> None:
    """Adds an option for each setting of a run to the parser of `train`."""
    for field in dataclasses.fields(TrainingConfig):
        flag = "--" + field.name.replace("_", "-")
        kind = (*typing.get_args(field.type), field.type)[0]  # int of `int | None`
        if field.type == int | str:
            kind = str
        if field.name in LISTS:
            item = typing.get_args(kind)[0] if typing.get_args(kind) else kind
            options = {"nargs": "+", "metavar": LISTS[field.name], "type": item}
        elif field.name in CHOICES:
            options = {"choices": CHOICES[field.name]}
        elif kind is bool:
            options = {"action": argparse.BooleanOptionalAction}
        else:
            options = {"type": kind, "metavar": kind.__name__.upper()}  # pyright: ignore[reportAttributeAccessIssue]
        verb.add_argument(flag, default=field.default, help=_help(field), **options)  # pyright: ignore[reportArgumentType]


def add_processes(verb: argparse.ArgumentParser) -> None:
    """Adds the options that join several processes to the parser of `train`."""
    by_default = "by default from the environment variables of JAX, Kubernetes or SLURM"
    verb.add_argument(
        "--coordinator",
        metavar="HOST:PORT",
        help=f"address of process 0, with --distribute data or model; {by_default}",
    )
    verb.add_argument(
        "--num-processes", type=int, metavar="INT", help="number of processes"
    )
    verb.add_argument(
        "--process-id", type=int, metavar="INT", help="number of this process, from 0"
    )


def _help(field) -> str:
    default = DEFAULTS.get(field.name, field.default)
    shown = "" if default in (None, ()) else f" (default: {default})"
    return HELP[field.name] + shown
