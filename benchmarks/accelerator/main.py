"""Training and decoding on a GPU: ours on JAX, PyTorch, Hugging Face.

    python benchmarks/accelerator/main.py --peak 989            # an H100
    python benchmarks/accelerator/main.py --models tiny --batch-tokens 256 \\
        --steps 2 --batch-sizes 1 --rounds 1                    # to try it on a CPU

Needs NumPy, Keras, JAX, PyTorch and, for decoding, transformers, but not TensorFlow.
They may be in several environments: `--python torch=/path/to/python`. All programs do
the same work (`workload.py`) in bfloat16, in turns, each in its own process. A ratio is
the median over the rounds of their time divided by ours in the same round, with least
and most; above 1 ours is faster. TFLOP/s count the operations of the forward and
backward pass for real tokens; MFU is the share of `--peak`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from shared import STEPS, Worker
from workload import (
    LENGTH,
    MODELS,
    NUM_BATCHES,
    VOCAB_SIZES,
    num_tokens,
    training_batches,
    training_operations,
)

HERE = Path(__file__).resolve().parent
OURS = "tf_transformer on JAX"
BEAM_SIZES = (1, 4)
# the processes share the card, so none may allocate most of its memory in advance
OUR_ENVIRONMENT = {"KERAS_BACKEND": "jax", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
PACKAGES = ("jax", "torch", "transformers")


def main(arguments=None) -> None:
    """Measures, prints the tables and writes the figures."""
    options = parsed(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ["LOGS"] = str(options.folder)
    both = options.training == options.decoding
    path = options.folder / "accelerator.json"
    settings = {k: v for k, v in vars(options).items() if k not in ("folder", "python")}
    results = {"options": settings}
    for kind, measure in (("training", training), ("decoding", decoding)):
        if both or getattr(options, kind):
            results[kind] = []
            for rows in measure(options):
                results[kind] += rows
                path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(f"\n{path}")


def parsed(arguments):
    """The options, checked against what is installed."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--models", nargs="+", choices=MODELS, default=["base", "big"])
    add("--peak", type=_above_zero(float), help="dense bfloat16 TFLOP/s of the card")
    add("--batch-tokens", type=int, default=25_000, help="padded target tokens")
    add("--steps", type=_above_zero(int), default=20, help="updates of a turn")
    add("--batch-sizes", nargs="+", type=_above_zero(int), default=[1, 32, 256])
    add("--rounds", type=_above_zero(int), default=8)
    add("--folder", type=Path, default=Path("speed/accelerator"), help="of the figures")
    add("--training", action="store_true", help="training alone")
    add("--decoding", action="store_true", help="decoding alone")
    add("--compiler", default="inductor", help="backend of torch.compile")
    add("--python", nargs="*", default=[], help=f"PACKAGE=PATH: {', '.join(PACKAGES)}")
    options = parser.parse_args(arguments)
    if options.batch_tokens < LENGTH:
        parser.error(
            f"--batch-tokens must be at least {LENGTH}, the length of a sentence. "
            f"Received: {options.batch_tokens}"
        )
    for entry in options.python:
        if entry.partition("=")[0] not in PACKAGES or "=" not in entry:
            parser.error(f"--python takes PACKAGE=PATH. Received: {entry}")
    pythons = dict(entry.split("=", 1) for entry in options.python)
    options.python = {name: pythons.get(name, sys.executable) for name in PACKAGES}
    for name in [name for name in PACKAGES if not _has(options.python[name], name)]:
        if name == "jax":
            parser.error("jax is not installed. --python jax=PATH sets its Python.")
        print(f"Skipped: {name} is not installed. --python sets its Python.")
        del options.python[name]
    return options


def _above_zero(kind):
    def number(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"must be above 0. Received: {text}")
        return value

    return number


def _has(python: str, package: str) -> bool:
    program = f"import importlib.util as u, sys; sys.exit(not u.find_spec({package!r}))"
    try:
        return subprocess.run([python, "-c", program]).returncode == 0
    except OSError as error:
        sys.exit(f"--python: no Python that can be run. Received: {python} ({error})")


def training(options):
    """Yields the rows of each model: real target tokens per second."""
    for name in options.models:
        batches = training_batches(name, options.batch_tokens)
        used = [batches[i % NUM_BATCHES] for i in range(options.steps)]
        work = (name, options.batch_tokens, options.steps)
        workers = [_worker(OURS, "jax_training.py", "jax", options, *work)]
        if "torch" in options.python:
            script = "torch_training.py"
            workers.append(
                _worker("PyTorch", script, "torch", options, *work, options.compiler)
            )
        rows = measured(workers, options.rounds, sum(map(num_tokens, used)))
        operations = sum(
            training_operations(MODELS[name], VOCAB_SIZES[name], batch)
            for batch in used
        )
        for row in rows:
            row["TFLOP/s"] = operations / row["seconds"] / 1e12
            if options.peak:
                row["MFU"] = row["TFLOP/s"] / options.peak
        title = {"training": name, "shape": [*batches[0][-1].shape]}
        yield shown(title, rows)


def decoding(options):
    """Yields the rows of each model and batch: tokens per second."""
    for name in options.models:
        for batch_size in options.batch_sizes:
            for beam_size in BEAM_SIZES:
                work = (name, batch_size, beam_size)
                workers = [_worker(OURS, "jax_decoding.py", "jax", options, *work)]
                if {"torch", "transformers"} <= set(options.python):
                    script, package = "hf_decoding.py", "transformers"
                    workers.append(
                        _worker("Hugging Face", script, package, options, *work)
                    )
                title = {"decoding": name, "batch": batch_size, "beam": beam_size}
                yield shown(
                    {**title, "steps": STEPS}, measured(workers, options.rounds)
                )


def _worker(name, script, package, options, *arguments):
    return Worker(
        name,
        HERE / script,
        *arguments,
        python=options.python[package],
        environment=OUR_ENVIRONMENT if package == "jax" else {},
    )


def measured(workers, rounds: int, tokens=None) -> list:
    """One row for each worker, ours first."""
    for _ in range(rounds):
        for worker in workers:
            worker.turn()
    rows = []
    for worker in workers:
        pairs = zip(worker.turns, workers[0].turns, strict=True)
        ratios = [their["seconds"] / our["seconds"] for their, our in pairs]
        seconds = statistics.median(turn["seconds"] for turn in worker.turns)
        last = worker.turns[-1]
        row = {"who": worker.name, "device": last["device"], "seconds": seconds}
        row["tokens/s"] = (tokens or last["tokens"]) / seconds
        row["ours / this"] = statistics.median(ratios)
        row["least"], row["most"] = min(ratios), max(ratios)
        row["startup s"] = worker.start_seconds
        names = ("device GB", "loss", "weights", "tokens")
        rows.append(row | {key: last[key] for key in names if key in last})
    for worker in workers:
        worker.stop()
    return rows


def shown(title: dict, rows: list) -> list:
    """Prints the rows as a table in Markdown, and returns them with its title."""
    print(f"\n{', '.join(f'{key} {value}' for key, value in title.items())}\n")
    print(f"| {' | '.join(rows[0])} |\n{'|---' * len(rows[0])}|")
    for row in rows:
        print(f"| {' | '.join(map(_cell, row.values()))} |", flush=True)
    return [{**title, **row} for row in rows]


def _cell(value) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
