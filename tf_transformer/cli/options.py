"""The parser of the command line: verbs and their options."""

import argparse

from tf_transformer.cli.diagnosis import add_doctor, doctor
from tf_transformer.cli.exporting import add_export, export
from tf_transformer.cli.places import add_ensemble
from tf_transformer.cli.scoring import add_score, score
from tf_transformer.cli.search_options import (
    add_repetition,
    add_sampling,
    add_search,
    positive,
)
from tf_transformer.cli.service import add_serve, serve
from tf_transformer.cli.settings import add_processes, add_settings
from tf_transformer.cli.verbs import (
    attend,
    evaluate,
    import_,
    info,
    train,
    translate,
)
from tf_transformer.runs.choices import CHOICES

EPILOG = """examples:
  tf-transformer train --data pairs.tsv --preset tiny --run runs/mine
  tf-transformer evaluate runs/mine --source test.de --target test.en
  tf-transformer train --init-from runs/mine --data own.tsv --run runs/own
  tf-transformer score runs/mine --source test.de --target test.en --tokens
  tf-transformer translate runs/mine "Ein Hund schläft."
  tf-transformer translate runs/mine < in.txt > out.txt
  tf-transformer translate saved_models/mine --input in.txt more.txt.gz
  tf-transformer attend runs/mine "Ein Hund schläft." --html attention.html
  tf-transformer export runs/mine saved_models/mine
  tf-transformer import opus-mt-en-de --run runs/ende
  tf-transformer info runs/mine
  tf-transformer doctor model.keras --causal
  tf-transformer serve saved_models
"""


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
        _add_score,
        _add_translate,
        _add_attend,
        _add_export,
        _add_import,
        _add_info,
        _add_doctor,
        _add_serve,
    ):
        add(verbs)
    return parser


def _add_verb(verbs, function, **arguments):
    verb = verbs.add_parser(
        function.__name__.rstrip("_"),
        help=function.__doc__.splitlines()[0],
        description=function.__doc__.splitlines()[0],
        **arguments,
    )
    verb.set_defaults(verb=function)
    return verb


def _add_train(verbs) -> None:
    verb = _add_verb(verbs, train)
    verb.add_argument("--run", required=True, help="the run's folder, runs/NAME")
    add_settings(verb)
    add_processes(verb)


def _add_evaluate(verbs) -> None:
    verb = _add_verb(verbs, evaluate)
    verb.add_argument("run", help="the run's folder")
    verb.add_argument("--source", help="source sentences; by default the run's corpus")
    verb.add_argument("--target", help="reference translations, one per line")
    verb.add_argument(
        "--bleu-tokenize",
        choices=CHOICES["bleu_tokenize"],
        help="sacreBLEU's tokenizer; by default as in training",
    )
    add_search(verb)


def _add_score(verbs) -> None:
    add_score(_add_verb(verbs, score))


def _add_translate(verbs) -> None:
    verb = _add_verb(verbs, translate)
    verb.add_argument("model", help="the folder of a run or of a SavedModel")
    verb.add_argument("text", nargs="*", help="sentences; by default lines of --input")
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
        help="number of lines translated at once (default: 32)",
    )
    add_ensemble(verb)
    verb.add_argument("--prefix", metavar="TEXT", help="beginning of every translation")
    verb.add_argument(
        "--nbest",
        type=positive,
        metavar="INT",
        help="print this number of translations per sentence, at most the beam size, "
        "as lines SCORE TAB TRANSLATION; the score is ln P(translation), the order "
        "that of the search with its length penalty, or the order sampled; lines "
        "beyond the last translation have the score -inf and no text",
    )
    add_search(verb, beam_size=None, alpha=None)  # pyright: ignore[reportArgumentType]
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
        help="kind of attention in the table or the picture, and shown first on the "
        "page (default: cross)",
    )
    verb.add_argument(
        "--pieces", action="store_true", help="show vocabulary pieces instead of words"
    )


def _add_export(verbs) -> None:
    add_export(_add_verb(verbs, export))


def _add_import(verbs) -> None:
    verb = _add_verb(verbs, import_)
    verb.add_argument("folder", help="the model's folder, or Marian's .yml file in it")
    verb.add_argument("--run", required=True, help="the new run's folder, runs/NAME")


def _add_info(verbs) -> None:
    verb = _add_verb(verbs, info)
    verb.add_argument("path", help="the folder of a run or of a SavedModel")


def _add_doctor(verbs) -> None:
    add_doctor(_add_verb(verbs, doctor))


def _add_serve(verbs) -> None:
    add_serve(_add_verb(verbs, serve))
