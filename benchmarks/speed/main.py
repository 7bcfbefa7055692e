"""Our training and decoding beside the machine's limit and beside others.

    python benchmarks/speed/main.py                                 all of it
    python benchmarks/speed/main.py --models S --training           a few minutes
    python benchmarks/speed/main.py --python torch=/path/to/python  a peer's own Python

All do the same work (`work.py`), turn about in processes of their own. A ratio is the
median over the rounds of ours divided by theirs in the same round; beside it stand its
least and its most. A peer that is not installed is left out, and said so. Measure on
a machine that does nothing else.
"""

import argparse
import importlib.util
import json
import os
import statistics
import sys
from pathlib import Path

import limits
from export import export
from turns import Worker
from work import MODELS, num_tokens, training_batches, training_operations

# glibc's settings of `keep_freed_memory`, for programs that cannot call it
KEPT_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TOP_PAD_": str(2**28),
}
PEERS = ("torch", "ctranslate2")
OURS = "tf_transformer"


def main() -> None:
    """Measures, prints the tables and writes the figures."""
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
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ["LOGS"] = str(options.folder)
    pythons = dict(entry.split("=", 1) for entry in options.python)
    peers = [name for name in options.peer if _is_there(name, pythons)]
    both = options.training == options.decoding
    results = {"limits": {"GF/s": limits.matrix_product(), "GB/s": limits.memory()}}
    print(json.dumps(results["limits"]))
    if options.training or both:
        results["training"] = training(options, peers, pythons)
    if options.decoding or both:
        results["decoding"] = decoding(options, peers, pythons)
    path = options.folder / "speed.json"
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(f"\n{path}")


def _is_there(name, pythons) -> bool:
    there = name in pythons or importlib.util.find_spec(name) is not None
    if not there:
        print(f"Left out: {name} is not installed; or name its Python, --python")
    return there


def training(options, peers, pythons) -> list:
    """Real target tokens per second."""
    rows = []
    for name in options.models:
        batches = training_batches(name)
        workers = [
            Worker(OURS, "ours_training.py", name, "keep"),
            Worker(f"{OURS}, memory given back", "ours_training.py", name, "return"),
        ]
        if "torch" in peers:
            script, python = "torch_training.py", pythons.get("torch", sys.executable)
            workers += [
                Worker("torch", script, name, python=python),
                Worker(
                    "torch, memory kept",
                    *(script, name),
                    python=python,
                    environment=KEPT_MEMORY,
                ),
            ]
        of_model = measured(workers, options.rounds, num_tokens(batches))
        operations = training_operations(name, batches) / num_tokens(batches)
        for row in of_model:
            row["GF/s"] = row["tokens/s"] * operations / 1e9
        rows += shown({"training": name}, of_model)
    return rows


def decoding(options, peers, pythons) -> list:
    """Tokens per second, each sentence `STEPS` tokens."""
    export(options.folder, options.models, for_ctranslate2="ctranslate2" in peers)
    rows = []
    for name in options.models:
        for batch_size, beam_size in ((1, 1), (32, 1), (32, 4)):
            work = (options.folder, name, batch_size, beam_size)
            workers = [
                Worker(OURS, "ours_decoding.py", *work, "compiled", "ids"),
                Worker(f"{OURS}, text", "ours_decoding.py", *work, "compiled", "text"),
                Worker(f"{OURS}, graph", "ours_decoding.py", *work, "plain", "text"),
            ]
            if "ctranslate2" in peers:
                python = pythons.get("ctranslate2", sys.executable)
                script = "ctranslate2_decoding.py"
                workers += [
                    Worker(f"ctranslate2, {who}", script, *work, *how, python=python)
                    for who, how in (
                        ("1 thread", ("ids", 1)),
                        ("2 threads", ("ids", 2)),
                        ("1 thread, text", ("text", 1)),
                    )
                ]
            told = {"decoding": name, "batch": batch_size, "beam": beam_size}
            rows += shown(told, measured(workers, options.rounds))
    return rows


def measured(workers, rounds, tokens=None) -> list:
    """One row for each worker; ratios are ours to theirs, round by round."""
    for _ in range(rounds):
        for worker in workers:
            worker.turn()
    rows = []
    for worker in workers:
        ours, theirs = workers[0].turns, worker.turns
        ratios = [
            their["seconds"] / our["seconds"]
            for our, their in zip(ours, theirs, strict=True)
        ]
        seconds = statistics.median(turn["seconds"] for turn in theirs)
        rows.append(
            {
                "who": worker.name,
                "tokens/s": (tokens or theirs[0]["tokens"]) / seconds,
                "ours / theirs": statistics.median(ratios),
                "least": min(ratios),
                "most": max(ratios),
                "GB": theirs[-1]["gigabytes"],
                "ready after s": worker.start_seconds,
            }
        )
        worker.stop()
    return rows


def shown(told: dict, rows: list) -> list:
    """Prints the rows as a table in Markdown, and gives them with what was told."""
    print(f"\n{', '.join(f'{key} {value}' for key, value in told.items())}\n")
    print(f"| {' | '.join(rows[0])} |\n{'|---' * len(rows[0])}|")
    for row in rows:
        cells = [v if isinstance(v, str) else f"{v:.4g}" for v in row.values()]
        print(f"| {' | '.join(cells)} |", flush=True)
    return [{**told, **row} for row in rows]


if __name__ == "__main__":
    main()
