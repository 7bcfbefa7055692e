"""The verbs. Each imports its own modules, so `--help` does not load TensorFlow."""

import dataclasses
import json
import re
import sys
from pathlib import Path

from tf_transformer.cli.lines import argument_lines, file_lines, groups, is_terminal
from tf_transformer.cli.places import ensemble_runs, run_directory, saved_model_folder
from tf_transformer.cli.search_options import REPETITION, SAMPLING, options_set

EXIT_BY_SIGTERM = 143  # 128 + 15, as a shell reports it
BATCHES_PER_GROUP = 32


def train(options) -> int:
    """Trains a model. Run the same command again to resume."""
    from tf_transformer.runs.config import TrainingConfig
    from tf_transformer.runs.training import train
    from tf_transformer.training.divergence import TrainingDiverged
    from tf_transformer.training.termination import TrainingTerminated
    from tf_transformer.utils.memory import keep_freed_memory

    keep_freed_memory()
    names = [field.name for field in dataclasses.fields(TrainingConfig)]
    settings = {name: getattr(options, name) for name in names}
    _join_processes(options)
    try:
        run = train(TrainingConfig(**settings), options.run)
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt("Run the same command again to resume.") from interrupt
    except TrainingTerminated as error:
        print(f"{error} Run the same command again to resume.", file=sys.stderr)
        return EXIT_BY_SIGTERM
    except TrainingDiverged as error:
        raise ValueError(
            f"{error}. Try a lower --peak, a longer --warmup-steps or another --dtype, "
            "in another --run"
        ) from error
    print(f"\nThe best weights are in {run.best_weights}. Next:")
    print(f"  tf-transformer evaluate {options.run}")
    print(f'  tf-transformer translate {options.run} "..."')
    return 0


def _join_processes(options) -> None:
    from tf_transformer.runs.processes import find_processes, join_processes

    passed = options.coordinator, options.num_processes, options.process_id
    if options.distribute not in ("data", "model"):
        if passed != (None, None, None):
            raise ValueError(
                "Several processes need one of two kinds of distribution. Expected "
                f"--distribute data or model. Received: {options.distribute}"
            )
        return
    processes = find_processes(*passed)
    if processes is not None:
        join_processes(processes)


def evaluate(options) -> None:
    """Scores a run on files, or on the test splits of its corpus."""
    from tf_transformer.runs.evaluation import evaluate, files_to_score, splits_to_score

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
    """Translates its arguments, or the lines of files or of standard input.

    For a line that cannot be translated, prints an empty line and a warning.
    """
    if options.text and options.input:
        raise ValueError(
            "Texts are arguments or lines of files. Expected sentences or --input. "
            "Received: sentences and --input"
        )
    translate_all = _translate_function(options)
    lines = argument_lines(options.text) if options.text else file_lines(options.input)
    # sentences of similar length are translated together, so many lines are read
    group_size = options.batch_size * (BATCHES_PER_GROUP if options.input else 1)
    interactive = not (options.text or options.input) and is_terminal(sys.stdin)
    nothing = ["-inf\t"] * options.nbest if options.nbest else [""]
    num_failed = 0
    for group in groups(lines, 1 if interactive else group_size):
        problems = [(line.place, line.problem) for line in group if line.problem]
        for translation in _translations(translate_all, group, nothing, problems):
            print("\n".join(translation))
        print(end="", flush=True)
        for place, problem in problems:
            print(f"tf-transformer: {place}: {problem}", file=sys.stderr)
        num_failed += len(problems)
    if num_failed:
        raise ValueError(f"{num_failed} lines were not translated.")


def _translations(translate_all, lines, nothing, problems: list) -> list:
    """Translates lines; `nothing` for one that fails, which is added to `problems`."""
    try:
        return translate_all([line.text for line in lines])
    except ValueError as error:
        if len(lines) == 1:
            problems.append((lines[0].place, str(error)))
            return [nothing]
    middle = len(lines) // 2
    return [
        translation
        for part in (lines[:middle], lines[middle:])
        for translation in _translations(translate_all, part, nothing, problems)
    ]


def _translate_function(options):
    """Returns a function from texts to the lines to print for each text."""
    settings = options_set(options, "beam_size", "alpha", *REPETITION, *SAMPLING)
    output_options = options_set(options, "nbest", "prefix", "ensemble")
    folder = saved_model_folder(options.model)
    if folder is not None:
        if settings or output_options:
            raise ValueError(
                "An exported model uses the search settings of its export. Expected no "
                f"search options. Received: {', '.join({**settings, **output_options})}"
            )
        from tf_transformer.export.saved_translator import SavedTranslator

        saved_translator = SavedTranslator(folder, options.batch_size)
        saved_translator.signature("translate")  # fails once, not for each line
        return lambda texts: [[_one_line(text)] for text in saved_translator(texts)]
    from tf_transformer.inference.settings import SearchSettings
    from tf_transformer.runs.ensemble import ensemble_translator

    if options.nbest:
        settings["num_hypotheses"] = options.nbest
    SearchSettings(**settings)  # invalid settings fail once, not for each line
    runs = ensemble_runs(options.model, options.ensemble)
    translator = ensemble_translator(runs, options.batch_size)

    def translate_all(texts):
        results = translator.nbest(texts, [options.prefix] * len(texts), **settings)
        if options.nbest is None:
            return [[_one_line(best.text)] for best, *_ in results]
        return [
            [f"{best.score:.4f}\t{_one_line(best.text)}" for best in row]
            for row in results
        ]

    return translate_all


def _one_line(text: str) -> str:
    # other separators, such as U+2028, are part of a translation
    return re.sub(r"\r\n|\r|\n", " ", text)


def attend(options) -> None:
    """Shows which words each word attends to, as a table, a picture or a page."""
    from tf_transformer.analysis.html_page import page
    from tf_transformer.analysis.table import table
    from tf_transformer.utils.atomic import replacing

    if options.png and len(options.text) > 1:
        raise ValueError(
            "A picture shows one text; --html shows several. Expected one text with "
            f"--png. Received: {len(options.text)} texts"
        )
    maps = _attention(options)
    if options.html:
        with replacing(Path(options.html)) as temporary:
            temporary.write_text(page(maps, kind=options.kind), encoding="utf-8")
    if options.png:
        with replacing(Path(options.png)) as temporary:
            temporary.write_bytes(_picture(maps[0], options.kind))
    if not (options.html or options.png):
        print("\n\n".join(table(attention, options.kind) for attention in maps))


def _attention(options) -> list:
    folder = saved_model_folder(options.model)
    if folder is None:
        from tf_transformer.analysis.maps import attention_maps

        maps = attention_maps(run_directory(options.model).translator(), options.text)
    else:
        from tf_transformer.analysis.saved_maps import attention_maps_of_saved_model

        maps = attention_maps_of_saved_model(folder, options.text)
    return maps if options.pieces else [attention.in_words() for attention in maps]


def _picture(maps, kind) -> bytes:
    from tf_transformer.analysis.pictures import picture_of_heads, png

    try:
        return png(picture_of_heads(maps, kind))
    except ImportError as error:
        raise ValueError(str(error)) from error


def import_(options) -> None:
    """Converts a model of Marian, or of Hugging Face's Marian, to a run."""
    from tf_transformer.runs.importing import import_run

    try:
        run = import_run(options.folder, options.run)
    except ModuleNotFoundError as error:
        raise ValueError(str(error)) from error
    print(f"The weights are in {run.best_weights}. Next:")
    print(f'  tf-transformer translate {options.run} "..."')
    print(f"  tf-transformer export {options.run} saved_models/NAME")


def info(options) -> None:
    """Prints the contents of a run or of an exported folder."""
    folder = saved_model_folder(options.path)
    if folder is not None:
        from tf_transformer.export.saved_translator import SavedTranslator

        contents = SavedTranslator(folder).info()
    else:
        run = run_directory(options.path)
        contents = {**run.contents(), "evaluation": run.evaluation()}
    print(json.dumps(contents, indent=2, ensure_ascii=False))
