"""Compares training and decoding with other programs and the machine's limits.

    python benchmarks/speed/main.py                                 # all of it
    python benchmarks/speed/main.py --models S --training           # a few minutes
    python benchmarks/speed/main.py --python torch=/path/to/python  # its own Python

All programs do the same work (`work.py`), in turns, each in its own process. A ratio is
the median over the rounds of our speed divided by theirs in the same round. The tables
also show the least and the most, the ratio of the best runs, which depends least on
other load, and the ratio of CPU time. Programs that are not installed are skipped with
a message. Measure on an otherwise idle machine.
"""

import argparse
import json
import os
import statistics
from pathlib import Path

import limits
from export import export
from peers import PEERS, Peers
from picture import draw
from work import MODELS, num_tokens, training_batches, training_operations


def main() -> None:
    """Measures, prints the tables; writes the figures and a picture."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--peer", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--python", nargs="*", default=[], help="PEER=PATH")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--training", action="store_true", help="training alone")
    parser.add_argument("--decoding", action="store_true", help="decoding alone")
    parser.add_argument("--folder", type=Path, default=Path("speed"))
    options = parser.parse_args()
    try:
        peers = Peers(options.peer, options.python)
    except ValueError as error:
        parser.error(str(error))
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ["LOGS"] = str(options.folder)
    both = options.training == options.decoding
    results = {"limits": {"GF/s": limits.matrix_product(), "GB/s": limits.memory()}}
    print(json.dumps(results["limits"]))
    if options.training or both:
        results["training"] = training(options, peers)
    if options.decoding or both:
        results["decoding"] = decoding(options, peers)
    path = options.folder / "speed.json"
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    draw(results, path.with_suffix(".svg"))
    print(f"\n{path}\n{path.with_suffix('.svg')}")


def training(options, peers) -> list:
    """Real target tokens per second."""
    rows = []
    for name in options.models:
        batches = training_batches(name)
        workers = peers.trainers(options.folder, name)
        model_rows = measured(workers, options.rounds, num_tokens(batches))
        operations = training_operations(name, batches) / num_tokens(batches)
        for row in model_rows:
            row["GF/s"] = row["tokens/s"] * operations / 1e9
        rows += shown({"training": name}, model_rows)
    return rows


def decoding(options, peers) -> list:
    """Tokens per second, each sentence `STEPS` tokens."""
    export(options.folder, options.models, for_ctranslate2="ctranslate2" in peers.names)
    rows = []
    for name in options.models:
        for batch_size, beam_size in ((1, 1), (32, 1), (32, 4)):
            workers = peers.decoders(options.folder, name, batch_size, beam_size)
            title = {"decoding": name, "batch": batch_size, "beam": beam_size}
            rows += shown(title, measured(workers, options.rounds))
    return rows


def measured(workers, rounds, tokens=None) -> list:
    """One row for each worker; ratios are ours to theirs.

    Per round, for the best runs, and for CPU time.
    """
    for _ in range(rounds):
        for worker in workers:
            worker.turn()
    rows = []
    ours = workers[0].turns
    for worker in workers:
        theirs = worker.turns
        ratios = [
            their["seconds"] / our["seconds"]
            for our, their in zip(ours, theirs, strict=True)
        ]
        seconds, fastest, processors = summary(theirs)
        _, our_fastest, our_processors = summary(ours)
        rows.append(
            {
                "who": worker.name,
                "tokens/s": (tokens or theirs[0]["tokens"]) / seconds,
                "fastest": (tokens or theirs[0]["tokens"]) / fastest,
                "ours / theirs": statistics.median(ratios),
                "least": min(ratios),
                "most": max(ratios),
                "ratio of best runs": fastest / our_fastest,
                "ratio of CPU time": processors / our_processors,
                "GB": theirs[-1]["gigabytes"],
                "startup s": worker.start_seconds,
            }
        )
        worker.stop()
    return rows


def summary(turns) -> tuple[float, float, float]:
    """Median and least seconds, and median seconds of CPU time."""
    seconds = [turn["seconds"] for turn in turns]
    processors = [turn["processor seconds"] for turn in turns]
    return statistics.median(seconds), min(seconds), statistics.median(processors)


def shown(title: dict, rows: list) -> list:
    """Prints the rows as a table in Markdown, and returns them with its title."""
    print(f"\n{', '.join(f'{key} {value}' for key, value in title.items())}\n")
    print(f"| {' | '.join(rows[0])} |\n{'|---' * len(rows[0])}|")
    for row in rows:
        cells = [v if isinstance(v, str) else f"{v:.4g}" for v in row.values()]
        print(f"| {' | '.join(cells)} |", flush=True)
    return [{**title, **row} for row in rows]


if __name__ == "__main__":
    main()
