"""Compares the speed of exported models, from text to text, on the lines of a file.

    python benchmarks/quality/compare_speed.py val.de saved_models/teacher \
        saved_models/student

The models translate the same lines in turns, in batches of 1 and 32, by the signatures
`translate` and `translate_compiled`. A ratio is the first model's time divided by this
model's in the same round: above 1 this model is faster. The table shows sentences per
second in the best round, and the median of the ratios (least to most).
"""

import argparse
import statistics
import time

import tensorflow as tf

from tf_transformer.cli.places import saved_model_folder
from tf_transformer.data.lines import read_lines

SIGNATURES = ("translate", "translate_compiled")
NUM_BATCHES = {1: 64, 32: 10}  # by batch size


def main() -> None:
    """Measures and prints a row for each model, signature and batch size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", help="file of sentences, plain or .gz")
    parser.add_argument("models", nargs="+", help="folders of exported models")
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    folders = [saved_model_folder(name) for name in options.models]
    for name, folder in zip(options.models, folders, strict=True):
        if folder is None:
            parser.error(f"Expected the folder of an exported model. Received: {name}")
    loaded = [tf.saved_model.load(str(folder)) for folder in folders]
    lines = [line for line in read_lines(options.source) if line.strip()]
    if not lines:
        parser.error(f"Expected lines of text. Received: {options.source}, without any")
    print("| model | signature | batch | sentences/s | ratio |\n|---|---|---|---|---|")
    for signature in SIGNATURES:
        functions = [model.signatures[signature] for model in loaded]
        for batch_size, num_batches in NUM_BATCHES.items():
            used = lines[: batch_size * num_batches]
            starts = range(0, len(used), batch_size)
            batches = [tf.constant(used[i : i + batch_size]) for i in starts]
            rows = seconds_in_turns(functions, batches, options.rounds)
            for name, seconds in zip(options.models, rows, strict=True):
                rate = len(used) / min(seconds)
                ratio = spread([a / b for a, b in zip(rows[0], seconds, strict=True)])
                print(f"| {name} | {signature} | {batch_size} | {rate:.1f} | {ratio} |")


def seconds_in_turns(functions, batches, rounds: int) -> list[list[float]]:
    """Seconds of each function in each round, after a round that compiles.

    Every second round has the reverse order, because a place in it can be an advantage.
    """
    seconds = [[] for _ in functions]
    turns = list(zip(functions, seconds, strict=True))
    for round_number in range(rounds + 1):
        for function, row in turns if round_number % 2 else reversed(turns):
            started = time.perf_counter()
            for batch in batches:
                function(batch)["translation"].numpy()
            if round_number:
                row.append(time.perf_counter() - started)
    return seconds


def spread(ratios: list[float]) -> str:
    """Median, least and most."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main()
