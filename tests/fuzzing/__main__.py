"""Tries hostile inputs on all readers, guided by coverage.

    python -m tests.fuzzing --inputs 100000
    python -m tests.fuzzing corpus_files.tsv corpus_files.csv --inputs 20000

Each target runs in a separate process, with limits of memory and time. A line for
each says how many inputs were tried, in which time, and what was found; after an input
that ends the process, another one continues. The exit code is 1 if anything was found.
"""

import argparse
import multiprocessing
import sys
import time
from pathlib import Path

from tests.fuzzing.targets import MODULES, targets_of
from tests.fuzzing.worker import Progress, fuzz

MAX_STARTS = 10
SLOW_SHARE = 100  # a slow target gets the hundredth part


def run(name: str, num_inputs: int, seed: int, folder: Path) -> bool:
    """Fuzzes a target in separate processes; returns whether no fault was found."""
    folder.mkdir(parents=True, exist_ok=True)
    start, count = time.monotonic(), Progress(folder / "count")
    before = count.count
    fork = multiprocessing.get_context("fork")  # nothing is imported again
    num_ended = 0
    for attempt in range(MAX_STARTS):
        arguments = (name, before + num_inputs, seed + attempt, folder)
        process = fork.Process(target=fuzz, args=arguments)
        process.start()
        process.join()
        if not process.exitcode:
            break
        num_ended += 1
    seconds = time.monotonic() - start
    num_found = len(list(folder.glob("*.txt")))
    print(
        f"{name}: {count.count - before:,} inputs, {seconds:.0f} s, {num_found} "
        f"findings, {num_ended} ended processes",
        flush=True,
    )
    return not num_found and not num_ended


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help="by default all")
    parser.add_argument("--inputs", type=int, default=20_000, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("build/fuzzing"))
    options = parser.parse_args()
    import atheris

    targets = {}
    with atheris.instrument_imports(include=["tf_transformer"]):
        for module in MODULES:
            targets.update(targets_of(module))
    results = []
    for name in options.targets or targets:
        num_inputs = options.inputs // (SLOW_SHARE if targets[name].is_slow else 1)
        folder = options.output / name
        results.append(run(name, num_inputs, options.seed, folder))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
