"""Measures how time and memory of model S grow with length, batch and data.

    python benchmarks/speed/growth.py
    python benchmarks/speed/growth.py --kind corpus     # only this kind

Each measurement runs in its own process (`growth_work.py`), repeated in rounds. The
tables and the picture show the median, the lowest and the highest round. A process that
ends without an answer, usually because memory runs out, is reported and omitted.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from matplotlib.figure import Figure

WORK = Path(__file__).with_name("growth_work.py")
VOCABULARIES = (4_000, 8_000, 16_000, 32_000, 64_000)
# kind: (what grows, unit of the picture, {line: {size: arguments}})
KINDS = {
    "decoding": (
        "tokens written",
        "ms per step",
        {
            f"greedy, batch {batch}": {
                tokens: ("decoding", batch, 1, tokens) for tokens in (16, 64, 256, 512)
            }
            for batch in (1, 32)
        },
    ),
    "length": (
        "tokens of a sentence",
        "tokens/s",
        {
            "training, 4,096 tokens a batch": {
                length: ("training", 4096 // length, length)
                for length in (64, 256, 512, 1024, 2048, 4096)
            }
        },
    ),
    "batch": (
        "sentences of 32 tokens",
        "tokens/s",
        {"training": {rows: ("training", rows, 32) for rows in (4, 16, 64, 256, 1024)}},
    ),
    "vocabulary": (
        "pieces",
        "tokens/s",
        {"training": {size: ("training", 64, 32, size) for size in VOCABULARIES}},
    ),
    "vocabulary, decoding": (
        "pieces",
        "ms per step",
        {
            "greedy, batch 32": {
                size: ("decoding", 32, 1, 20, size) for size in VOCABULARIES
            }
        },
    ),
    "corpus": (
        "pairs",
        "first batch s",
        {"streamed": {n: ("corpus", n) for n in (10**4, 10**5, 10**6, 10**7)}},
    ),
}


def main() -> None:
    """Measures, prints the tables; writes the figures and a picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("speed"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "growth.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    for kind in options.kind:
        kept = [row for row in rows if row["kind"] != kind]
        rows = kept + measured(kind, options.rounds)
        path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    draw(rows, path.with_suffix(".svg"))
    print(f"\n{path}\n{path.with_suffix('.svg')}")


def measured(kind: str, rounds: int) -> list[dict]:
    """A row for each size of each line, printed as a table in Markdown."""
    grows, unit, lines = KINDS[kind]
    rows = [
        {"kind": kind, "line": line, "size": size, "rounds": []}
        for line, sizes in lines.items()
        for size in sizes
    ]
    for _ in range(
        rounds
    ):  # each size once per round, so that a busy minute affects one
        for row in rows:
            if measurements := answer(lines[row["line"]][row["size"]]):
                row["rounds"].append(measurements)
    keys = next((list(row["rounds"][0]) for row in rows if row["rounds"]), [unit])
    print(f"\n| {kind} | {grows} | {' | '.join(keys)} |")
    print("|---" * (len(keys) + 2) + "|")
    for row in rows:
        cells = [spread(row, key) for key in keys] if row["rounds"] else ["no answer"]
        print(f"| {row['line']} | {row['size']} | {' | '.join(cells)} |")
    return rows


def values(row: dict, key: str) -> tuple[float, float, float]:
    """Lowest, median and highest value over the rounds."""
    measurements = [one[key] for one in row["rounds"]]
    return min(measurements), statistics.median(measurements), max(measurements)


def spread(row: dict, key: str) -> str:
    """The median, with the lowest and the highest value."""
    lowest, median, highest = values(row, key)
    return f"{median:.4g} ({lowest:.4g} to {highest:.4g})"


def answer(arguments) -> dict:
    """The measurement of a process; empty if it ended without an answer."""
    done = subprocess.run(
        [sys.executable, WORK, *map(str, arguments)], capture_output=True, text=True
    )
    if done.returncode:
        print(f"No answer: {arguments}: {done.stderr[-300:]}", file=sys.stderr)
        return {}
    return json.loads(done.stdout.splitlines()[-1])


def draw(rows: list[dict], path: Path) -> None:
    """Writes one panel for each kind: medians, and lines from lowest to highest."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    figure = Figure(figsize=(9, 2.8 * -(-len(kinds) // 2)), layout="constrained")
    axes = figure.subplots(-(-len(kinds) // 2), 2, squeeze=False).ravel()
    for axis in axes[len(kinds) :]:
        axis.set_axis_off()
    for kind, axis in zip(kinds, axes, strict=False):
        grows, unit, lines = KINDS[kind]
        for line in lines:
            measurements = [
                (row["size"], *values(row, unit))
                for row in rows
                if (row["kind"], row["line"]) == (kind, line) and row["rounds"]
            ]
            sizes, lowest, median, highest = zip(*measurements, strict=True)
            (curve,) = axis.plot(sizes, median, marker="o", label=line)
            axis.vlines(sizes, lowest, highest, color=curve.get_color())
        axis.set_xscale("log", base=10 if kind == "corpus" else 2)
        axis.set_ylim(bottom=0)
        axis.set_title(kind, loc="left", fontsize=10)
        axis.set(xlabel=grows, ylabel=unit)
        axis.legend(fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


if __name__ == "__main__":
    main()
