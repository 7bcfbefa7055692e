"""What the verbs do. Imports stand inside: help must not wait for TensorFlow."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path


def train(options) -> None:
    """Trains, or continues a stopped training."""
    from tf_transformer.run.allocator import keep_freed_memory
    from tf_transformer.run.config import TrainingConfig
    from tf_transformer.run.train import train

    names = [field.name for field in dataclasses.fields(TrainingConfig)]
    settings = {name: getattr(options, name) for name in names}
    keep_freed_memory()
    try:
        run = train(TrainingConfig(**settings), options.run)
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt(
            "The same command continues after the last finished epoch."
        ) from interrupt
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
                where = f"{path or 'standard input'}:{number}"
                raise ValueError(
                    f"The input is not valid UTF-8. Received: {where}"
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
