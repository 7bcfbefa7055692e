"""What the command line understands: verbs and their options."""

import argparse
import dataclasses
import typing

from tf_transformer.cli.search_options import (
    add_repetition,
    add_sampling,
    add_search,
    positive,
)
from tf_transformer.cli.service import add_serve, serve
from tf_transformer.cli.verbs import (
    attend,
    evaluate,
    export,
    info,
    train,
    translate,
)
from tf_transformer.data.sentencepiece_trainer import NORMALIZATION_RULES
from tf_transformer.runs.config import (
    ARCHITECTURES,
    DTYPES,
    MONITORS,
    NORMALIZATIONS,
    PRESET_TRAINING,
    SCORES,
    TrainingConfig,
)

EPILOG = """examples:
  tf-transformer train --data pairs.tsv --preset tiny --run runs/mine
  tf-transformer evaluate runs/mine --source test.de --target test.en
  tf-transformer translate runs/mine "Ein Hund schläft."
  tf-transformer translate runs/mine < in.txt > out.txt
  tf-transformer translate saved_models/mine --input in.txt more.txt.gz
  tf-transformer attend runs/mine "Ein Hund schläft." --html attention.html
  tf-transformer export runs/mine saved_models/mine
  tf-transformer info runs/mine
  tf-transformer serve saved_models
"""
CHOICES = {
    "architecture": ARCHITECTURES,
    "score": SCORES,
    "preset": tuple(PRESET_TRAINING),
    "dtype": DTYPES,
    "normalization": NORMALIZATIONS,
    "monitor": MONITORS,
    "source_normalization": NORMALIZATION_RULES,
    "target_normalization": NORMALIZATION_RULES,
}
# options that take several words, and what each word is
LISTS = {"tokenizer": "FILE", "user_defined_symbols": "SYMBOL"}
FIELD_HELP = {
    "data": "a TSV file, source TAB target; a set of TensorFlow Datasets, such as "
    "tfds:ted_hrlr_translate/pt_to_en; or a built-in corpus (default: en_ko_grammar)",
    "source_language": "translate from it; of a named corpus, by default its own",
    "target_language": "translate into it",
    "train_source": "source sentences, one per line, plain or .gz",
    "train_target": "their translations, line by line",
    "valid_source": "validation sentences; without them 2 %% of the pairs are kept",
    "valid_target": "their translations",
    "test_source": "test sentences",
    "test_target": "their translations",
    "tokenizer": "SentencePiece model file of both sides, or the source's and the "
    "target's; by default a vocabulary is trained on the pairs",
    "vocab_size": "most pieces of the vocabulary",
    "shared_vocabulary": "one vocabulary for both sides",
    "source_normalization": "SentencePiece's rule for source text",
    "target_normalization": "its rule for target text; identity changes nothing",
    "source_remove_extra_whitespaces": "merge and trim spaces of the source",
    "target_remove_extra_whitespaces": "merge and trim spaces of the target",
    "user_defined_symbols": "strings that are always one token, such as '<2de>'",
    "architecture": "kind of model: self-attention, or recurrent with attention",
    "score": "the recurrent model's score function; none: no attention at all; by "
    "default the preset's",
    "preset": "size of the model; tiny, small: for 2 cores; base, big: the paper's",
    "normalization": "of the Transformer's sub-layers; the paper's is layer",
    "normalize_first": "pre-norm instead of the paper's post-norm",
    "dropout_rate": "dropout; by default the preset's",
    "max_length": "longest sentence in tokens; longer pairs are dropped",
    "dtype": "precision",
    "batch_tokens": "most tokens of a batch, padding counted; by default the preset's",
    "static_shapes": "at most 12 shapes of batches, for compilers; by default unless "
    "the backend is TensorFlow",
    "window": "read the pairs anew in every epoch, so many at a time, for files larger "
    "than memory; needs validation files",
    "gradient_accumulation_steps": "batches of one update",
    "seed": "of weights, dropout and order",
    "devices": "GPUs that share each batch; by default all of this machine",
    "epochs": "passes over the pairs",
    "warmup_steps": "updates until the highest rate; by default the preset's",
    "peak": "the highest learning rate; by default the preset's",
    "cooldown": "let the rate fall to zero over the last third",
    "label_smoothing": "the paper's epsilon_ls",
    "ema_momentum": "score and keep a moving average of the weights: 0.999 or so of "
    "it stays with each batch",
    "monitor": "what the best epoch is chosen by",
    "patience": "stop after so many epochs without a better one",
    "validation_sentences": "sentences translated after each epoch; 0 for none",
    "average_last": "when training ends, average the weights of so many last epochs; "
    "the average is kept as the best if it scores better; so many checkpoints are kept",
    "bleu_tokenize": "sacreBLEU's tokenizer: 13a, char, intl, zh, ...",
    "telemetry": "every so many updates, write to TensorBoard what attention and "
    "gradients are like in each layer (default: never)",
    "attention_images": "validation sentences of which TensorBoard shows, after each "
    "epoch, a picture of all heads; needs tf_transformer[pictures]",
}


def make_parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    parser = argparse.ArgumentParser(
        prog="tf-transformer",
        description="Train, score, use and export sequence-to-sequence Transformers.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for add in (
        _add_train,
        _add_evaluate,
        _add_translate,
        _add_attend,
        _add_export,
        _add_info,
        _add_serve,
    ):
        add(verbs)
    return parser


def _add_verb(verbs, function, **arguments):
    verb = verbs.add_parser(
        function.__name__,
        help=function.__doc__.splitlines()[0],
        description=function.__doc__.splitlines()[0],
        **arguments,
    )
    verb.set_defaults(verb=function)
    return verb


def _add_train(verbs) -> None:
    verb = _add_verb(verbs, train)
    verb.add_argument("--run", required=True, help="the run's folder, runs/NAME")
    for field in dataclasses.fields(TrainingConfig):
        flag = "--" + field.name.replace("_", "-")
        kind = (*typing.get_args(field.type), field.type)[0]  # int of `int | None`
        options = {"type": kind, "metavar": kind.__name__.upper()}
        if kind is bool:
            options = {"action": argparse.BooleanOptionalAction}
        elif field.name in CHOICES:
            options = {"choices": CHOICES[field.name]}
        elif field.name in LISTS:
            options = {"nargs": "+", "metavar": LISTS[field.name]}
        verb.add_argument(flag, default=field.default, help=_help(field), **options)


def _help(field) -> str:
    default = "" if field.default in (None, ()) else f" (default: {field.default})"
    return FIELD_HELP[field.name] + default


def _add_evaluate(verbs) -> None:
    verb = _add_verb(verbs, evaluate)
    verb.add_argument("run", help="the run's folder")
    verb.add_argument("--source", help="source sentences; by default the run's corpus")
    verb.add_argument("--target", help="reference translations, line by line")
    verb.add_argument("--bleu-tokenize", help="sacreBLEU's tokenizer; as in training")
    add_search(verb)


def _add_translate(verbs) -> None:
    verb = _add_verb(verbs, translate)
    verb.add_argument("model", help="the folder of a run or of a SavedModel")
    verb.add_argument("text", nargs="*", help="sentences; by default lines of input")
    verb.add_argument(
        "--input",
        nargs="+",
        metavar="FILE",
        help="files of lines, plain or .gz; by default standard input",
    )
    verb.add_argument(
        "--batch-size",
        type=positive,
        default=32,
        metavar="INT",
        help="lines translated at once (default: 32)",
    )
    verb.add_argument(
        "--prefix", metavar="TEXT", help="what every translation begins with"
    )
    verb.add_argument(
        "--nbest",
        type=positive,
        metavar="INT",
        help="so many lines for each sentence, SCORE TAB TRANSLATION, best first, or "
        "samples; the score is ln P(translation); where there are fewer: -inf, nothing",
    )
    add_search(verb, beam_size=None, alpha=None)
    add_repetition(verb)
    add_sampling(verb)


def _add_attend(verbs) -> None:
    verb = _add_verb(verbs, attend)
    verb.add_argument("model", help="the folder of a run or of a SavedModel")
    verb.add_argument("text", nargs="+", help="sentences to translate")
    verb.add_argument("--html", metavar="FILE", help="write an interactive page")
    verb.add_argument("--png", metavar="FILE", help="write a picture of all heads")
    verb.add_argument(
        "--kind",
        choices=("encoder", "decoder", "cross"),
        default="cross",
        help="attention in the table or the picture (default: cross)",
    )
    verb.add_argument(
        "--pieces", action="store_true", help="pieces of the vocabulary, not words"
    )


def _add_export(verbs) -> None:
    verb = _add_verb(verbs, export)
    verb.add_argument("run", help="the run's folder")
    verb.add_argument("folder", help="the model's folder, saved_models/NAME")
    verb.add_argument(
        "--format",
        choices=("saved_model", "ctranslate2"),
        default="saved_model",
        help="ctranslate2: for that runtime, without a search's options",
    )
    verb.add_argument(
        "--quantization",
        metavar="NAME",
        help="how ctranslate2 stores weights: float32 (default), int8, int16, float16",
    )
    verb.add_argument(
        "--languages", nargs=2, metavar=("SOURCE", "TARGET"), help="told by `info`"
    )
    verb.add_argument("--min-length", type=int, metavar="INT", help="fewest tokens")
    verb.add_argument("--max-length", type=positive, metavar="INT", help="most tokens")
    verb.add_argument(
        "--warm-up",
        metavar="FILE",
        help="texts, one per line, that TensorFlow Serving translates before the "
        "version answers",
    )
    add_search(verb, beam_size=None, alpha=None)
    add_repetition(verb)
    add_sampling(verb)


def _add_info(verbs) -> None:
    verb = _add_verb(verbs, info)
    verb.add_argument("path", help="the folder of a run or of a SavedModel")


def _add_serve(verbs) -> None:
    add_serve(_add_verb(verbs, serve))
