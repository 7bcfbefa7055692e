"""Trains and scores a recipe on Multi30k, in both directions, with one command.

    python benchmarks/quality/recipe.py DATA runs --name baseline
    python benchmarks/quality/recipe.py DATA runs --name r-drop --baseline baseline \
        --options --r-drop 2.5
    python benchmarks/quality/recipe.py DATA runs --name student --teacher r-drop \
        --options --num-encoder-layers 6 --num-decoder-layers 2 --decoder ssru

DATA contains train, val and test_2017_flickr, each as .de and .en, plain or .gz.
Arguments after `--options` are passed to `tf-transformer train`. For each direction and
test set, a row is printed and appended to runs/recipes.md. Minutes are for the whole
training command; tokens are real target tokens of training. `p` is the p-value of
sacreBLEU's paired bootstrap test of BLEU against the translations of the baseline.

With `--teacher`, the recipe learns the translations of an earlier recipe instead of the
references: sequence-level distillation (Kim and Rush 2016, section 3.2,
https://arxiv.org/abs/1606.07947). The teacher translates once; `minutes` leave it out.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

TESTS = ("val", "test_2017_flickr")
HEAD = (
    "recipe | direction | set | seed | minutes | peak MiB | tokens/s | parameters "
    "| BLEU | chrF | BLEU, lower-cased | p | versions | options"
)


def main() -> None:
    """Trains, translates and scores each direction."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of Multi30k's files")
    parser.add_argument("runs", type=Path, help="folder for the runs and the table")
    parser.add_argument("--name", required=True, help="name of the recipe")
    parser.add_argument("--baseline", help="name of a trained recipe, for p")
    parser.add_argument("--teacher", help="name of a trained recipe, to learn from")
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
    for direction in options.directions:
        source, target = direction.split("-")
        run = run_folder(options, options.name, direction)
        cost = train(options, run, source, target)
        for test in TESTS:
            files = [data_file(options.data, test, side) for side in (source, target)]
            scores = translate_and_score(options, run, test, *files, direction)
            row = {"recipe": options.name, "direction": direction, "set": test}
            row |= {"seed": options.seed, **cost, **scores}
            row["options"] = f"`{' '.join(options.options)}`" if options.options else ""
            add_row(options.runs / "recipes.md", row)


def run_folder(options, recipe: str, direction: str) -> Path:
    """The run of a recipe for one direction and seed."""
    return options.runs / f"{recipe}-{direction}-{options.seed}"


def data_file(folder: Path, name: str, language: str) -> Path:
    """The plain or compressed file of one language."""
    plain = folder / f"{name}.{language}"
    return plain if plain.exists() else plain.with_name(f"{plain.name}.gz")


def train(options, run: Path, source: str, target: str) -> dict:
    """Trains in a separate process and returns time, memory and speed."""
    files = {
        "train-source": data_file(options.data, "train", source),
        "train-target": data_file(options.data, "train", target),
        "valid-source": data_file(options.data, "val", source),
        "valid-target": data_file(options.data, "val", target),
    }
    if options.teacher:
        teacher = run_folder(options, options.teacher, f"{source}-{target}")
        files["train-target"] = translations_of(
            teacher, files["train-source"], options.beam_size
        )
    command = [sys.executable, "-m", "tf_transformer", "train", "--run", str(run)]
    for name, file in files.items():
        command += [f"--{name}", str(file)]
    command += ["--seed", str(options.seed), *options.options]
    started = time.monotonic()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"The training failed: {' '.join(command)}")
    seconds = time.monotonic() - started
    return {
        "minutes": f"{seconds / 60:.1f}",
        "peak MiB": f"{usage.ru_maxrss / 1024:.0f}",  # Linux counts in KiB
        "tokens/s": f"{trained_tokens(run) / seconds:.0f}",
    }


def translations_of(teacher: Path, source: Path, beam_size: int) -> Path:
    """The teacher's translations of the training sources, made at the first call."""
    file = teacher / f"train-beam-{beam_size}.txt"
    if not file.exists():
        command = [sys.executable, "-m", "tf_transformer", "translate", str(teacher)]
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


def translate_and_score(options, run, test, source, target, direction) -> dict:
    """Translates a test set and scores the translations."""
    import importlib.metadata as metadata

    from tf_transformer.data.files import read_pairs
    from tf_transformer.runs import RunDirectory
    from tf_transformer.runs.evaluation import translate_or_empty

    sources, references = map(list, zip(*read_pairs(source, target), strict=True))
    translator = RunDirectory(run).translator()
    texts = translate_or_empty(translator, sources, beam_size=options.beam_size)
    (run / f"{test}.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    others = None
    if options.baseline:
        baseline = run_folder(options, options.baseline, direction)
        lines = (baseline / f"{test}.txt").read_text(encoding="utf-8")
        others = lines.split("\n")[:-1]
    packages = ("tf_transformer", "keras", "tensorflow", "sacrebleu")
    return {
        "parameters": f"{translator.model.count_params():,}",
        **scores_of(texts, references, others),
        "versions": ", ".join(f"{name} {metadata.version(name)}" for name in packages),
    }


def scores_of(texts: list[str], references: list[str], others=None) -> dict:
    """BLEU and chrF, cased and detokenized, BLEU of lower-cased text, and p.

    Prints the signatures, so that others can reproduce the scores.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    metrics = {
        "BLEU": BLEU(),
        "chrF": CHRF(),
        "BLEU, lower-cased": BLEU(lowercase=True),
    }
    scores = {}
    for name, metric in metrics.items():
        scores[name] = f"{metric.corpus_score(texts, [references]).score:.2f}"
        print(name, metric.get_signature())
    scores["p"] = "" if others is None else f"{p_value(texts, references, others):.3f}"
    return scores


def p_value(texts, references, others, num_samples: int = 1000) -> float:
    """The p of BLEU in sacreBLEU's paired bootstrap test against other translations."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.significance import PairedTest

    _, results = PairedTest(
        [("baseline", others), ("recipe", texts)],
        {"BLEU": BLEU(references=[references])},
        None,
        test_type="bs",
        n_samples=num_samples,
    )()
    return results["BLEU"][1].p_value  # pyright: ignore


def add_row(path: Path, row: dict) -> None:
    """Prints a row of the table and appends it to a file."""
    names = HEAD.split(" | ")
    line = "| " + " | ".join(str(row[name]) for name in names) + " |"
    print(line, flush=True)
    if not path.exists():
        path.write_text(f"| {HEAD} |\n|{'---|' * len(names)}\n", encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


if __name__ == "__main__":
    main()
