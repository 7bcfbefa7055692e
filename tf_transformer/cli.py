"""The command `tf-transformer`: one verb per function, no logic of its own."""

import argparse
import dataclasses
import json
import os
import sys
import typing
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

EPILOG = """examples:
  tf-transformer train --data pairs.tsv --preset tiny --run runs/mine
  tf-transformer evaluate runs/mine --source test.de --target test.en
  tf-transformer translate runs/mine "Ein Hund schläft."
  tf-transformer translate runs/mine < in.txt > out.txt
  tf-transformer export runs/mine saved_models/mine
  tf-transformer info runs/mine
"""
FIELD_HELP = {
    "data": "a TSV file, source TAB target, or a built-in corpus: en_ko_grammar",
    "train_source": "source sentences, one per line, plain or .gz",
    "train_target": "their translations, line by line",
    "valid_source": "validation sentences; without them 2 %% of the pairs are kept",
    "valid_target": "their translations",
    "test_source": "test sentences",
    "test_target": "their translations",
    "vocab_size": "most pieces of the vocabulary",
    "shared_vocabulary": "one vocabulary for both sides",
    "preset": "size of the model: tiny, small (for 2 cores), base, big (the paper's)",
    "dropout_rate": "dropout; by default the preset's",
    "max_length": "longest sentence in tokens; longer pairs are dropped",
    "dtype": "float32, mixed_bfloat16 or mixed_float16",
    "batch_tokens": "most tokens of a batch, padding counted; by default the preset's",
    "gradient_accumulation_steps": "batches of one update",
    "seed": "of weights, dropout and order",
    "epochs": "passes over the pairs",
    "warmup_steps": "updates until the highest rate; by default the preset's",
    "peak": "the highest learning rate; by default the preset's",
    "cooldown": "let the rate fall to zero over the last third",
    "label_smoothing": "the paper's epsilon_ls",
    "monitor": "what the best epoch is chosen by: bleu, nll, accuracy",
    "patience": "stop after so many epochs without a better one",
    "validation_sentences": "sentences translated for BLEU after each epoch",
    "bleu_tokenize": "sacreBLEU's tokenizer: 13a, char, intl, zh, ...",
}


def main(arguments: list[str] | None = None) -> int:
    """Runs a command line.

    Args:
        arguments: Words of the command line. Defaults to the program's own.

    Returns:
        0 when all went well, 1 after an error (told in one line), 130 after Ctrl-C.
        Wrong usage exits with 2.
    """
    options = make_parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.showwarning = _show_warning
    try:
        options.verb(options)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, ValueError) as error:
        print(f"tf-transformer: {error}", file=sys.stderr)
        return 1
    return 0


def make_parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    parser = argparse.ArgumentParser(
        prog="tf-transformer",
        description="Train, score, use and export sequence-to-sequence Transformers.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for add in (_add_train, _add_evaluate, _add_translate, _add_export, _add_info):
        add(verbs)
    return parser


def train(options) -> None:
    """Trains, or continues a stopped training."""
    from tf_transformer.run.allocator import keep_freed_memory
    from tf_transformer.run.config import TrainingConfig
    from tf_transformer.run.train import train

    names = [field.name for field in dataclasses.fields(TrainingConfig)]
    settings = {name: getattr(options, name) for name in names}
    keep_freed_memory()
    run = train(TrainingConfig(**settings), options.run)
    print(f"\nThe best weights are in {run.best_weights}. Next:")
    print(f"  tf-transformer evaluate {options.run}")
    print(f'  tf-transformer translate {options.run} "..."')


def evaluate(options) -> None:
    """Scores a run on files, or on the test splits of its corpus."""
    from tf_transformer.run.directory import RunDirectory
    from tf_transformer.run.evaluate import evaluate

    run = RunDirectory(options.run)
    tokenize = options.bleu_tokenize or run.config().bleu_tokenize
    for name, pairs in _test_sets(options, run):
        scores = evaluate(
            run, name, pairs, options.beam_size, options.alpha, tokenize=tokenize
        )
        print(f"{name}: {json.dumps(scores, ensure_ascii=False)}")


def translate(options) -> None:
    """Translates arguments, or lines of files or standard input, as they come."""
    if Path(options.model, "saved_model.pb").exists():
        from tf_transformer.export.saved_model import SavedTranslator

        translate_all = SavedTranslator(options.model)
    else:
        from tf_transformer.run.directory import RunDirectory

        translator = RunDirectory(options.model).translator()

        def translate_all(texts):
            return translator(texts, beam_size=options.beam_size, alpha=options.alpha)

    texts = iter(options.text) if options.text else _lines(options.input)
    done = 0
    for group in _groups(texts, options.batch_size):
        try:
            translations = translate_all(group)
        except ValueError as error:
            lines = f"{done + 1} to {done + len(group)}"
            raise ValueError(f"{error} (lines {lines})") from error
        print("\n".join(translations), flush=True)
        done += len(group)


def export(options) -> None:
    """Writes a SavedModel under the next version number."""
    from tf_transformer.export.saved_model import export_saved_model
    from tf_transformer.run.directory import RunDirectory
    from tf_transformer.translator import SearchSettings

    run = RunDirectory(options.run)
    settings = SearchSettings(
        beam_size=options.beam_size,
        alpha=options.alpha,
        min_length=options.min_length,
        max_length=options.max_length,
    )
    versions = [int(p.name) for p in Path(options.folder).glob("*") if p.name.isdigit()]
    path = Path(options.folder, str(max(versions, default=0) + 1))
    info = {"scores": run.evaluation()}
    print(export_saved_model(run.translator(), path, settings, info))


def info(options) -> None:
    """Tells what a run or an exported folder holds."""
    if Path(options.path, "saved_model.pb").exists():
        from tf_transformer.export.saved_model import SavedTranslator

        contents = SavedTranslator(options.path).info()
    else:
        from tf_transformer.run.directory import RunDirectory

        run = RunDirectory(options.path)
        contents = {**run.contents(), "evaluation": run.evaluation()}
    print(json.dumps(contents, indent=2, ensure_ascii=False))


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
    from tf_transformer.run.config import TrainingConfig

    verb = _add_verb(verbs, train)
    verb.add_argument("--run", required=True, help="the run's folder, runs/NAME")
    for field in dataclasses.fields(TrainingConfig):
        flag = "--" + field.name.replace("_", "-")
        kind = (*typing.get_args(field.type), field.type)[0]  # int of `int | None`
        options = {"type": kind, "metavar": kind.__name__.upper()}
        if kind is bool:
            options = {"action": argparse.BooleanOptionalAction}
        verb.add_argument(flag, default=field.default, help=_help(field), **options)


def _help(field) -> str:
    default = "" if field.default is None else f" (default: {field.default})"
    return FIELD_HELP[field.name] + default


def _add_search(verb) -> None:
    verb.add_argument(
        "--beam-size",
        type=int,
        default=4,
        help="hypotheses kept; 1 is greedy (default: 4)",
    )
    verb.add_argument(
        "--alpha",
        type=float,
        default=0.6,
        help="exponent of the length penalty (default: 0.6)",
    )


def _add_evaluate(verbs) -> None:
    verb = _add_verb(verbs, evaluate)
    verb.add_argument("run", help="the run's folder")
    verb.add_argument("--source", help="source sentences; by default the run's corpus")
    verb.add_argument("--target", help="reference translations, line by line")
    verb.add_argument("--bleu-tokenize", help="sacreBLEU's tokenizer; as in training")
    _add_search(verb)


def _add_translate(verbs) -> None:
    verb = _add_verb(verbs, translate)
    verb.add_argument("model", help="the folder of a run or of a SavedModel")
    verb.add_argument("text", nargs="*", help="sentences; by default lines of input")
    verb.add_argument("--input", help="a file of lines; by default standard input")
    verb.add_argument(
        "--batch-size",
        type=int,
        default=32,
        help="lines translated at once (default: 32)",
    )
    _add_search(verb)


def _add_export(verbs) -> None:
    verb = _add_verb(verbs, export)
    verb.add_argument("run", help="the run's folder")
    verb.add_argument("folder", help="the model's folder, saved_models/NAME")
    verb.add_argument("--min-length", type=int, default=0, help="fewest tokens")
    verb.add_argument("--max-length", type=int, help="most tokens of a translation")
    _add_search(verb)


def _add_info(verbs) -> None:
    verb = _add_verb(verbs, info)
    verb.add_argument("path", help="the folder of a run or of a SavedModel")


def _test_sets(options, run) -> list:
    from tf_transformer.data.files import read_pairs
    from tf_transformer.run.train import load_corpus

    if (options.source is None) != (options.target is None):
        raise ValueError(
            "Scoring needs --source and --target together. Received: "
            f"--source {options.source}, --target {options.target}"
        )
    if options.source is not None:
        pairs = read_pairs(options.source, options.target)
        return [(Path(options.source).name, pairs)]
    splits = load_corpus(run.config()).splits
    found = [(name, splits[name]) for name in splits if name.startswith("test")]
    found = [(name, pairs) for name, pairs in found if pairs]
    if not found:
        raise ValueError(
            "The run's corpus has no test split. Expected --source and --target. "
            "Received: neither"
        )
    return found


def _lines(path: str | None) -> Iterator[str]:
    with open(path or 0, "rb", closefd=path is not None) as file:
        for number, line in enumerate(file, start=1):
            try:
                yield line.decode("utf-8").strip()
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"The input is not valid UTF-8. Received: {path or 'stdin'}:{number}"
                ) from error


def _groups(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    group = []
    for text in texts:
        group.append(text)
        if len(group) == size or sys.stdin.isatty():
            yield group
            group = []
    if group:
        yield group


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    print(f"tf-transformer: warning: {message}", file=sys.stderr)
