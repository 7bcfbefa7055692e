"""Compares training and decoding with other programs and the machine's limits.

    python benchmarks/speed/main.py                                 # all of it
    python benchmarks/speed/main.py --quick                         # S, two rounds
    python benchmarks/speed/main.py --python torch=/path/to/python  # its own Python

All programs do the same work (`work.py`), in turns, each in its own process. A ratio is
the median over the rounds of our speed divided by theirs in the same round; a program
that decodes text is compared with ours from text to text. The tables also show the
least and the most, the ratio of the best runs, which depends least on other load, and
the ratio of CPU time. CTranslate2's best number of threads has a table of its own.
Programs that are not installed are skipped with a message. Measure on an otherwise idle
machine.
"""

import argparse
import json
import os
import statistics
from pathlib import Path

import limits
from export import export
from peers import OURS, PEERS, Peers
from picture import draw
from work import MODELS, num_tokens, training_batches, training_operations

SEARCHES = ((1, 1), (32, 1), (32, 4))  # sizes of batch and beam


def main() -> None:
    """Measures, prints the tables; writes the figures and a picture."""
    options, peers = parse_options()
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ["LOGS"] = str(options.folder)
    both = options.training == options.decoding
    results = {"limits": {"GF/s": limits.matrix_product(), "GB/s": limits.memory()}}
    print(json.dumps(results["limits"]))
    if options.training or both:
        results["training"] = training(options, peers)
    if options.decoding or both:
        rows, against_best = decoding(options, peers)
        results |= {"decoding": rows, "against CTranslate2": against_best}
    path = options.folder / "speed.json"
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    draw(results, path.with_suffix(".svg"))
    print(f"\n{path}\n{path.with_suffix('.svg')}")


def parse_options() -> tuple[argparse.Namespace, Peers]:
    """The command line and the peers that it names."""
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
    parser.add_argument(
        "--quick",
        action="store_true",
        help="S, 2 rounds, one setting of memory, no beam search",
    )
    parser.add_argument("--folder", type=Path, default=Path("speed"))
    options = parser.parse_args()
    options.searches = SEARCHES
    if options.quick:
        options.models, options.rounds, options.searches = ["S"], 2, SEARCHES[:2]
    try:
        peers = Peers(options.peer, options.python, every_memory=not options.quick)
    except ValueError as error:
        parser.error(str(error))
    return options, peers


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


def decoding(options, peers) -> tuple[list, list]:
    """Tokens per second, each sentence `STEPS` tokens, and `against_ctranslate2`."""
    export(options.folder, options.models, for_ctranslate2="ctranslate2" in peers.names)
    rows, best = [], []
    for name in options.models:
        for batch_size, beam_size in options.searches:
            workers = peers.decoders(options.folder, name, batch_size, beam_size)
            title = {"decoding": name, "batch": batch_size, "beam": beam_size}
            rows += shown(title, measured(workers, options.rounds))
            best += shown(title, against_ctranslate2(workers))
    return rows, best


def measured(workers, rounds, tokens=None) -> list:
    """One row for each worker; ratios are ours to theirs.

    Per round, for the best runs, and for CPU time.
    """
    for _ in range(rounds):
        for worker in workers:
            worker.turn()
    rows = []
    for worker in workers:
        # ours is first, from ids to ids and from text to text
        ours = next(other for other in workers if is_text(other) == is_text(worker))
        done = tokens or worker.turns[0]["tokens"]
        seconds, fastest, _ = summary(worker.turns)
        rows.append(
            {
                "who": worker.name,
                "tokens/s": done / seconds,
                "fastest": done / fastest,
                **compared(ours, worker),
                "GB": worker.turns[-1]["gigabytes"],
                "startup s": worker.start_seconds,
            }
        )
        worker.stop()
    return rows


def against_ctranslate2(workers) -> list:
    """Our programs against CTranslate2 with its best number of threads.

    The best is the one with the least median time, of ids and of text.
    """
    rows = []
    for worker in workers:
        settings = [
            other
            for other in workers
            if other.name.startswith("ctranslate2")
            and is_text(other) == is_text(worker)
        ]
        if worker.name.startswith(OURS) and settings:
            best = min(settings, key=lambda other: summary(other.turns)[0])
            ratios = compared(worker, best)
            rows.append({"ours": worker.name, "theirs": best.name, **ratios})
    return rows


def is_text(worker) -> bool:
    """Whether it decodes from text to text."""
    return worker.name.endswith("text")


def compared(ours, theirs) -> dict:
    """The ratios of our speed to theirs."""
    ratios = [
        their["seconds"] / our["seconds"]
        for our, their in zip(ours.turns, theirs.turns, strict=True)
    ]
    _, our_fastest, our_processors = summary(ours.turns)
    _, fastest, processors = summary(theirs.turns)
    return {
        "ours / theirs": statistics.median(ratios),
        "least": min(ratios),
        "most": max(ratios),
        "ratio of best runs": fastest / our_fastest,
        "ratio of CPU time": processors / our_processors,
    }


def summary(turns) -> tuple[float, float, float]:
    """Median and least seconds, and median seconds of CPU time."""
    seconds = [turn["seconds"] for turn in turns]
    processors = [turn["processor seconds"] for turn in turns]
    return statistics.median(seconds), min(seconds), statistics.median(processors)


def shown(title: dict, rows: list) -> list:
    """Prints the rows as a table in Markdown, and returns them with its title."""
    if not rows:
        return rows
    print(f"\n{', '.join(f'{key} {value}' for key, value in title.items())}\n")
    print(f"| {' | '.join(rows[0])} |\n{'|---' * len(rows[0])}|")
    for row in rows:
        cells = [v if isinstance(v, str) else f"{v:.4g}" for v in row.values()]
        print(f"| {' | '.join(cells)} |", flush=True)
    return [{**title, **row} for row in rows]


if __name__ == "__main__":
    main()
