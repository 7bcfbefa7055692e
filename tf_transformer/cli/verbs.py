"""What the verbs do. Imports stand inside: help must not wait for TensorFlow."""

import dataclasses
import json
import sys
from pathlib import Path

from tf_transformer.cli.lines import argument_lines, file_lines, groups, is_terminal
from tf_transformer.cli.places import run_directory, saved_model_folder


def train(options) -> None:
    """Trains, or continues a stopped training."""
    from tf_transformer.run.config import TrainingConfig
    from tf_transformer.run.train import train

    names = [field.name for field in dataclasses.fields(TrainingConfig)]
    settings = {name: getattr(options, name) for name in names}
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
    from tf_transformer.run.evaluate import evaluate, files_to_score, splits_to_score

    if (options.source is None) != (options.target is None):
        raise ValueError(
            "Scoring needs --source and --target together. Received: "
            f"--source {options.source}, --target {options.target}"
        )
    run = run_directory(options.run)
    tokenize = options.bleu_tokenize or run.config().bleu_tokenize
    if options.source is None:
        test_sets = splits_to_score(run.config())
    else:
        test_sets = files_to_score(options.source, options.target)
    for name, pairs in test_sets.items():
        scores = evaluate(
            run, name, pairs, options.beam_size, options.alpha, tokenize=tokenize
        )
        print(f"{name}: {json.dumps(scores, ensure_ascii=False)}")


def translate(options) -> None:
    """Translates arguments, or lines of files or standard input, as they come.

    A line that cannot be translated gives an empty line and a warning.
    """
    translate_all = _translate_function(options)
    lines = argument_lines(options.text) if options.text else file_lines(options.input)
    interactive = not (options.text or options.input) and is_terminal(sys.stdin)
    num_failed = 0
    for group in groups(lines, 1 if interactive else options.batch_size):
        failed = [(line.place, line.problem) for line in group if line.problem]
        texts = [line.text for line in group]
        try:
            translations = translate_all(texts)
        except ValueError:
            translations = []
            for line in group:
                try:
                    translations.extend(translate_all([line.text]))
                except ValueError as error:
                    translations.append("")
                    failed.append((line.place, str(error)))
        for translation in translations:
            print(" ".join(translation.splitlines()))
        sys.stdout.flush()
        for place, problem in failed:
            print(f"tf-transformer: {place}: {problem}", file=sys.stderr)
        num_failed += len(failed)
    if num_failed:
        raise ValueError(f"{num_failed} lines were not translated.")


def _translate_function(options):
    settings = {
        name: getattr(options, name)
        for name in ("beam_size", "alpha")
        if getattr(options, name) is not None
    }
    folder = saved_model_folder(options.model)
    if folder is None:
        translator = run_directory(options.model).translator(options.batch_size)
        return lambda texts: translator(texts, **settings)
    if settings:
        raise ValueError(
            "An exported model searches as it was told at export. Expected none of "
            f"--beam-size, --alpha. Received: {', '.join(settings)}"
        )
    from tf_transformer.export.saved_model import SavedTranslator

    return SavedTranslator(folder)


def export(options) -> None:
    """Writes a SavedModel under the next version number."""
    from tf_transformer.export.saved_model import export_saved_model
    from tf_transformer.search import SearchSettings

    run = run_directory(options.run)
    settings = SearchSettings(
        beam_size=options.beam_size,
        alpha=options.alpha,
        min_length=options.min_length,
        max_length=options.max_length,
    )
    versions = [int(p.name) for p in Path(options.folder).glob("*") if p.name.isdigit()]
    path = Path(options.folder, str(max(versions, default=0) + 1))
    info = {"languages": options.languages, "scores": run.evaluation()}
    print(export_saved_model(run.translator(), path, settings, info))


def info(options) -> None:
    """Tells what a run or an exported folder holds."""
    folder = saved_model_folder(options.path)
    if folder is not None:
        from tf_transformer.export.saved_model import SavedTranslator

        contents = SavedTranslator(folder).info()
    else:
        run = run_directory(options.path)
        contents = {**run.contents(), "evaluation": run.evaluation()}
    print(json.dumps(contents, indent=2, ensure_ascii=False))
