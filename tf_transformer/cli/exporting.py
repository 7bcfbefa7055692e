"""The verb `export` and its options."""

from pathlib import Path

from tf_transformer.cli.lines import file_lines
from tf_transformer.cli.places import add_ensemble, ensemble_runs
from tf_transformer.cli.search_options import (
    REPETITION,
    SAMPLING,
    add_repetition,
    add_sampling,
    add_search,
    options_set,
    positive,
)
from tf_transformer.runs.choices import CHOICES
from tf_transformer.utils.versions import version_folders


def export(options) -> None:
    """Writes a SavedModel or another format, under the next version number."""
    from tf_transformer.inference.settings import SearchSettings

    runs = ensemble_runs(options.run, options.ensemble)
    run = runs[0]
    names = ("beam_size", "alpha", "min_length", "max_length", *REPETITION, *SAMPLING)
    settings = options_set(options, *names)
    path = _next_version(options.folder)
    if options.quantization and options.format != "ctranslate2":
        raise ValueError(
            "Only CTranslate2 stores quantized weights. Expected --quantization with "
            f"--format ctranslate2. Received: {options.quantization}"
        )
    if options.shortlist and options.ensemble:
        raise ValueError(
            "A shortlist belongs to one run. Expected --shortlist or --ensemble. "
            "Received: both"
        )
    shortlist = run.shortlist() if options.shortlist else None
    if options.format != "saved_model":
        print(_export_elsewhere(run, path, options, settings))
        return
    from tf_transformer.export.saved_model import export_saved_model
    from tf_transformer.runs.ensemble import ensemble_translator

    settings = SearchSettings(**settings)
    scores = {} if options.ensemble else run.evaluation()
    info = {"languages": options.languages, "scores": scores}
    texts = _warm_up_texts(options.warm_up)
    translator = ensemble_translator(runs, dtype=options.dtype)
    print(export_saved_model(translator, path, settings, info, texts, shortlist))


def _next_version(folder: str) -> Path:
    if Path(folder, "saved_model.pb").exists():
        raise ValueError(
            "An export is a numbered folder in the folder of a model. Expected the "
            f"folder of the model. Received: {folder}, which is an export"
        )
    return Path(folder, str(max(version_folders(folder), default=0) + 1))


def _warm_up_texts(path: str | None) -> list[str]:
    lines = [*file_lines([path])] if path else []
    for line in lines:
        if line.problem:
            raise ValueError(f"{line.place}: {line.problem}")
    return [line.text for line in lines]


def _export_elsewhere(run, path, options, settings) -> Path:
    names = "languages", "warm_up", "shortlist", "dtype", "ensemble"
    received = [*settings, *options_set(options, *names)]
    if received:
        raise ValueError(
            f"The format {options.format} stores no search options. Expected none of "
            "them, no --languages, --warm-up, --shortlist, --dtype or --ensemble. "
            "Received: "
            f"{', '.join(received)}"
        )
    if options.format == "hugging_face":
        from tf_transformer.export.hugging_face import export_hugging_face

        return export_hugging_face(run.translator(), path)
    from tf_transformer.export.ctranslate2 import export_ctranslate2

    quantization = options.quantization or "float32"
    try:
        return export_ctranslate2(run.translator(), path, quantization)
    except ImportError as error:
        raise ValueError(str(error)) from error


def add_export(verb) -> None:
    """Adds the options of `export` to its parser."""
    verb.add_argument("run", help="the run's folder")
    verb.add_argument("folder", help="the model's folder, saved_models/NAME")
    verb.add_argument(
        "--format",
        choices=("saved_model", "ctranslate2", "hugging_face"),
        default="saved_model",
        help="format of the export (default: saved_model); ctranslate2 and "
        "hugging_face (MarianMTModel) take no search options",
    )
    verb.add_argument(
        "--quantization",
        metavar="NAME",
        help="how ctranslate2 stores weights: float32 (default), int8, int16, float16",
    )
    add_ensemble(verb)
    _add_saved_model(verb)
    verb.add_argument(
        "--min-length", type=int, metavar="INT", help="minimum length in tokens"
    )
    verb.add_argument(
        "--max-length", type=positive, metavar="INT", help="maximum length in tokens"
    )
    add_search(verb, beam_size=None, alpha=None)  # pyright: ignore[reportArgumentType]
    add_repetition(verb)
    add_sampling(verb)


def _add_saved_model(verb) -> None:
    verb.add_argument(
        "--dtype",
        choices=CHOICES["dtype"],
        help="precision of a saved_model (default: the precision of the training)",
    )
    verb.add_argument(
        "--languages", nargs=2, metavar=("SOURCE", "TARGET"), help="shown by `info`"
    )
    verb.add_argument(
        "--warm-up",
        metavar="FILE",
        help="texts, one per line, that TensorFlow Serving translates before it "
        "serves the version",
    )
    verb.add_argument(
        "--shortlist",
        action="store_true",
        default=None,
        help="search among likely tokens only, with the lex*.bin of an imported run",
    )
