"""Trains and scores a recipe on Multi30k, in both directions, with one command.

    python benchmarks/quality/recipe.py DATA runs --name baseline
    python benchmarks/quality/recipe.py DATA runs --name r-drop --baseline baseline \
        --options --r-drop 2.5
    python benchmarks/quality/recipe.py DATA runs --name student --teacher r-drop \
        --options --num-encoder-layers 6 --num-decoder-layers 2 --decoder ssru

DATA contains train, val and test_2017_flickr, each as .de and .en, plain or .gz.
Arguments after `--options` are passed to `tf-transformer train`; a training that was
stopped is resumed. For each direction and test set, a row is printed and appended to
runs/results.jsonl, from which results.py makes tables. Minutes are those of all epochs
with their validation; tokens are real target tokens of training. `p` is the p-value of
sacreBLEU's paired bootstrap test of BLEU against the translations of the baseline.

With `--teacher`, the recipe learns the translations of an earlier recipe instead of the
references: sequence-level distillation (Kim and Rush 2016, section 3.2,
https://arxiv.org/abs/1606.07947). With `--diversify`, it learns the references and the
translations by earlier runs: of the sources by runs of the same direction and of the
targets by runs of the other one. This is data diversification (Nguyen et al. 2020,
https://arxiv.org/abs/1911.01986). Each run translates once; `minutes` leave it out.

With `--one-model`, one model learns all directions. A token before each source, such as
<2en>, names the target language (Johnson et al. 2017, section 3,
https://arxiv.org/abs/1611.04558). Cost and speed are those of the whole training.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

from scores import scores_of

TESTS = ("val", "test_2017_flickr")


def main() -> None:
    """Trains, translates and scores each direction."""
    options = parsed_options()
    if options.one_model:
        run = options.runs / f"{options.name}-{options.seed}"
        cost = train(options, run, tagged_files(options))
        for direction in options.directions:
            folder = run_folder(options, options.name, direction)
            folder.mkdir(exist_ok=True)
            add_rows(options, run, folder, direction, cost)
        return
    for direction in options.directions:
        source, target = direction.split("-")
        run = run_folder(options, options.name, direction)
        files = training_files(options, source, target)
        valid = [data_file(options.data, "val", side) for side in (source, target)]
        cost = train(options, run, (*files, *valid))
        add_rows(options, run, run, direction, cost)


def parsed_options() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of Multi30k's files")
    parser.add_argument("runs", type=Path, help="folder for the runs and the table")
    parser.add_argument("--name", required=True, help="name of the recipe")
    parser.add_argument("--baseline", help="name of a trained recipe, for p")
    parser.add_argument("--teacher", help="name of a trained recipe, to learn from")
    parser.add_argument(
        "--diversify",
        nargs="+",
        type=Path,
        default=[],
        metavar="RUN",
        help="folders of trained runs, to learn also from their translations",
    )
    parser.add_argument(
        "--one-model", action="store_true", help="one model for all directions"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--beam-size", type=int, default=4)
    parser.add_argument("--directions", nargs="+", default=["de-en", "en-de"])
    parser.add_argument(
        "--options",
        nargs=argparse.REMAINDER,
        default=[],
        help="options of tf-transformer train",
    )
    options = parser.parse_args()
    if options.one_model and (options.teacher or options.diversify):
        parser.error("--one-model learns the references only")
    options.compared = compared_directions(options) if options.baseline else []
    return options


def compared_directions(options) -> list[str]:
    """The directions that the baseline has translated; exits if there are none."""
    folders = {d: run_folder(options, options.baseline, d) for d in options.directions}
    found = [
        d for d, f in folders.items() if all((f / f"{t}.txt").exists() for t in TESTS)
    ]
    if not found:
        sys.exit(
            "The baseline has no translations. Expected an earlier command with "
            f"--name {options.baseline}. Received: --baseline {options.baseline} "
            f"--seed {options.seed} and no {folders[options.directions[0]]}"
        )
    return found


def add_rows(options, run: Path, folder: Path, direction: str, cost: dict) -> None:
    """Scores a run on each test set and appends the rows."""
    for test in TESTS:
        row = {"recipe": options.name, "direction": direction, "set": test}
        row |= {"seed": options.seed, "options": " ".join(options.options)}
        row |= {"teacher": options.teacher, "one_model": options.one_model}
        row["baseline"] = options.baseline if direction in options.compared else None
        row["diversify"] = [other.name for other in options.diversify]
        row |= translate_and_score(options, run, folder, test, direction) | cost
        add_row(options.runs / "results.jsonl", row)


def run_folder(options, recipe: str, direction: str) -> Path:
    """The run, or with `--one-model` the translations, of a recipe."""
    return options.runs / f"{recipe}-{direction}-{options.seed}"


def data_file(folder: Path, name: str, language: str) -> Path:
    """The plain or compressed file of one language."""
    plain = folder / f"{name}.{language}"
    return plain if plain.exists() else plain.with_name(f"{plain.name}.gz")


def train(options, run: Path, files: tuple) -> dict:
    """Trains in a separate process and returns time, memory and speed."""
    sources, targets, valid_source, valid_target = files
    command = [sys.executable, "-m", "tf_transformer", "train", "--run", str(run)]
    command += ["--train-source", *map(str, sources)]
    command += ["--train-target", *map(str, targets)]
    command += ["--valid-source", str(valid_source)]
    command += ["--valid-target", str(valid_target)]
    if options.one_model:
        command += ["--user-defined-symbols", *map(tag, options.directions)]
    command += ["--seed", str(options.seed), *options.options]
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"The training failed: {' '.join(command)}")
    curve = learning_curve(run)
    minutes = curve[-1]["minutes"]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "minutes": minutes,
        "peak_mib": round(usage.ru_maxrss / 1024),  # Linux counts in KiB
        "tokens_per_second": round(trained_tokens(run) / (60 * minutes)),
        "curve": [] if options.one_model else curve,  # val of both directions
    }


def learning_curve(run: Path) -> list[dict]:
    """Minutes since the start and BLEU of greedy search on val, after each epoch."""
    curve, seconds = [], 0.0
    for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines():
        epoch = json.loads(line)
        seconds += epoch["seconds"]  # also those of a process that was stopped
        curve.append({"minutes": round(seconds / 60, 1), "bleu": epoch["bleu"]})
    return curve


def training_files(options, source: str, target: str) -> tuple[list[Path], list[Path]]:
    """The files of training sources and of their translations."""
    source_file = data_file(options.data, "train", source)
    target_file = data_file(options.data, "train", target)
    sources, targets = [source_file], [target_file]
    if options.teacher:
        teacher = run_folder(options, options.teacher, f"{source}-{target}")
        targets = [translations_of(teacher, source_file, options.beam_size)]
    for run in options.diversify:
        forward = f"-{source}-{target}-" in run.name
        if not forward and f"-{target}-{source}-" not in run.name:
            sys.exit(
                "Expected the folder of a run that recipe.py has trained, such as "
                f"runs/NAME-{source}-{target}-1. Received: --diversify {run}"
            )
        known = source_file if forward else target_file
        translated = translations_of(run, known, options.beam_size)
        sources.append(known if forward else translated)
        targets.append(translated if forward else known)
    return sources, targets


def tag(direction: str) -> str:
    """The token that names the target language."""
    return f"<2{direction.split('-')[1]}>"


def tagged_files(options) -> tuple[list[Path], list[Path], Path, Path]:
    """Writes the files of `--one-model`; validation takes turns in the directions."""
    from tf_transformer.data.lines import read_lines

    folder = options.runs / f"{options.name}-{options.seed}-tagged"
    folder.mkdir(parents=True, exist_ok=True)
    sources, targets, valid_sources, valid_targets = [], [], [], []
    for direction in options.directions:
        source, target = direction.split("-")
        texts = read_lines(data_file(options.data, "train", source))
        sources.append(folder / f"train.{direction}.{source}")
        write_lines(sources[-1], [f"{tag(direction)} {text}" for text in texts])
        targets.append(data_file(options.data, "train", target))
        texts = read_lines(data_file(options.data, "val", source))
        valid_sources.append([f"{tag(direction)} {text}" for text in texts])
        valid_targets.append(read_lines(data_file(options.data, "val", target)))
    valid_source, valid_target = folder / "val.source", folder / "val.target"
    write_lines(valid_source, itertools.chain(*zip(*valid_sources, strict=True)))
    write_lines(valid_target, itertools.chain(*zip(*valid_targets, strict=True)))
    return sources, targets, valid_source, valid_target


def write_lines(path: Path, lines) -> None:
    """Writes one text per line."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def translations_of(run: Path, source: Path, beam_size: int) -> Path:
    """The translations of the training sources by a run, made at the first call."""
    file = run / f"train-beam-{beam_size}.txt"
    if not (run / "config.json").exists():
        sys.exit(
            "A recipe learns from the run of one direction, not from one of "
            f"--one-model. Received: {run}"
        )
    if not file.exists():
        command = [sys.executable, "-m", "tf_transformer", "translate", str(run)]
        command += ["--input", str(source), "--beam-size", str(beam_size)]
        part = file.with_suffix(".part")
        with part.open("w", encoding="utf-8") as output:
            subprocess.run(command, stdout=output, check=True)
        part.replace(file)
    return file


def trained_tokens(run: Path) -> int:
    """Real target tokens that the training has read, from the last checkpoint."""
    import numpy as np

    from tf_transformer.runs import RunDirectory
    from tf_transformer.training.updates import progress_of

    with np.load(RunDirectory(run).latest_checkpoint()) as checkpoint:
        state = json.loads(checkpoint["state"].tobytes())
    return progress_of(state["data"]).tokens


def translate_and_score(options, run, folder, test, direction) -> dict:
    """Translates a test set into a file of the folder, and scores the file."""
    import importlib.metadata as metadata

    from tf_transformer.data.files import read_pairs
    from tf_transformer.runs import RunDirectory
    from tf_transformer.runs.evaluation import translate_or_empty

    files = [data_file(options.data, test, side) for side in direction.split("-")]
    sources, references = map(list, zip(*read_pairs(*files), strict=True))
    if options.one_model:
        sources = [f"{tag(direction)} {text}" for text in sources]
    translator = RunDirectory(run).translator()
    texts = translate_or_empty(translator, sources, beam_size=options.beam_size)
    write_lines(folder / f"{test}.txt", texts)
    others = None
    if direction in options.compared:
        baseline = run_folder(options, options.baseline, direction)
        lines = (baseline / f"{test}.txt").read_text(encoding="utf-8")
        others = lines.split("\n")[:-1]
    packages = ("tf_transformer", "keras", "tensorflow", "sacrebleu")
    return {
        "parameters": translator.model.count_params(),
        **scores_of(texts, references, others),
        "versions": ", ".join(f"{name} {metadata.version(name)}" for name in packages),
    }


def add_row(path: Path, row: dict) -> None:
    """Prints the scores of a row and appends the row to a file."""
    p = "" if row["p"] is None else f", p {row['p']:.3f}"
    print(
        f"{row['recipe']}, {row['direction']}, {row['set']}, seed {row['seed']}: "
        f"BLEU {row['bleu']:.2f}, chrF {row['chrf']:.2f}{p}",
        flush=True,
    )
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
