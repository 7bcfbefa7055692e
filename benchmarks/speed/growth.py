"""How time and memory grow with length, batch, vocabulary and corpus; model S.

    python benchmarks/speed/growth.py
    python benchmarks/speed/growth.py --kind corpus     anew, the other figures stay

Each measurement is a process of its own (`growth_work.py`). One that ends without an
answer, for want of memory as a rule, is told as such.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from matplotlib.figure import Figure

WORK = Path(__file__).with_name("growth_work.py")
VOCABULARIES = (4_000, 8_000, 16_000, 32_000, 64_000)
# kind: (what grows, unit that is drawn, {line: {size: arguments}})
KINDS = {
    "decoding": (
        "tokens written",
        "ms a step",
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
        "ms a step",
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
    parser.add_argument("--folder", type=Path, default=Path("speed"))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "growth.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    for kind in options.kind:
        rows = [row for row in rows if row["kind"] != kind] + measured(kind)
        path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    draw(rows, path.with_suffix(".svg"))
    print(f"\n{path}\n{path.with_suffix('.svg')}")


def measured(kind: str) -> list[dict]:
    """A row for each size of each line, printed as a table in Markdown."""
    grows, _, lines = KINDS[kind]
    rows, keys = [], None
    for line, sizes in lines.items():
        for size, arguments in sizes.items():
            found = answer(arguments)
            rows.append({"kind": kind, "line": line, "size": size, **found})
            if found and not keys:
                keys = list(found)
                print(f"\n| {kind} | {grows} | {' | '.join(keys)} |")
                print("|---" * (len(keys) + 2) + "|")
            cells = [f"{value:.4g}" for value in found.values()] or ["no answer"]
            print(f"| {line} | {size} | {' | '.join(cells)} |", flush=True)
    return rows


def answer(arguments) -> dict:
    """What the process found, or nothing if it ended without an answer."""
    done = subprocess.run(
        [sys.executable, WORK, *map(str, arguments)], capture_output=True, text=True
    )
    if done.returncode:
        print(f"No answer: {arguments}: {done.stderr[-300:]}", file=sys.stderr)
        return {}
    return json.loads(done.stdout.splitlines()[-1])


def draw(rows: list[dict], path: Path) -> None:
    """Writes one panel for each kind."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    figure = Figure(figsize=(9, 2.8 * -(-len(kinds) // 2)), layout="constrained")
    axes = figure.subplots(-(-len(kinds) // 2), 2, squeeze=False).ravel()
    for axis in axes[len(kinds) :]:
        axis.set_axis_off()
    for kind, axis in zip(kinds, axes, strict=False):
        grows, unit, lines = KINDS[kind]
        for line in lines:
            found = [
                (row["size"], row[unit])
                for row in rows
                if (row["kind"], row["line"]) == (kind, line) and unit in row
            ]
            axis.plot(*zip(*found, strict=True), marker="o", label=line)
        axis.set_xscale("log", base=10 if kind == "corpus" else 2)
        axis.set_ylim(bottom=0)
        axis.set_title(kind, loc="left", fontsize=10)
        axis.set(xlabel=grows, ylabel=unit)
        axis.legend(fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


if __name__ == "__main__":
    main()
