"""A picture of the tables: our speed divided by that of each peer."""

import re
from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure
from peers import OURS

FASTER, SLOWER = "#2a6fbb", "#b8b8b8"
THREADS = re.compile(r", \d+ threads?")


def draw(results: dict, path: Path) -> None:
    """Draws one panel for each table of `main.py`'s results, a column for each model.

    A bar is the median over the rounds of ours / theirs, as in the tables; a line goes
    from the least to the most. Of a program's numbers of threads, the fastest is shown;
    decoding of text is not.

    Args:
        results: What `main.py` writes as JSON.
        path: The picture, `.svg` or `.png`.
    """
    panels = {}
    for row in [*results.get("training", []), *results.get("decoding", [])]:
        if row["who"].startswith(OURS) or row["who"].endswith("text"):
            continue
        bars = panels.setdefault(_work(row), {}).setdefault(_model(row), {})
        program = THREADS.sub("", row["who"])
        slower = bars.get(program)
        if slower is None or row["ours / theirs"] < slower["ours / theirs"]:
            bars[program] = row
    models = sorted({model for columns in panels.values() for model in columns})[::-1]
    heights = [0.6 + 0.26 * max(map(len, panels[work].values())) for work in panels]
    figure = Figure(figsize=(5 * len(models), 0.4 + sum(heights)), layout="constrained")
    axes = figure.subplots(
        *(len(panels), len(models)), height_ratios=heights, squeeze=False
    )
    for work, work_axes in zip(panels, axes, strict=True):
        for model, axis in zip(models, work_axes, strict=True):
            if model not in panels[work]:
                axis.set_axis_off()
                continue
            _bars(axis, panels[work][model].values())
            axis.set_title(f"{model}: {work}", loc="left", fontsize=10)
    figure.suptitle(
        "our speed / the peer's, median of the rounds; lines: least to most",
        fontsize=9,
    )
    figure.savefig(path, dpi=120)


def _model(row: dict) -> str:
    return row.get("training") or row["decoding"]


def _work(row: dict) -> str:
    if "training" in row:
        return "training"
    search = "greedy" if row["beam"] == 1 else f"beam {row['beam']}"
    return f"decoding, batch {row['batch']}, {search}"


def _bars(axis, rows: Iterable[dict]) -> None:
    rows = sorted(rows, key=lambda row: row["ours / theirs"])
    ratios = [row["ours / theirs"] for row in rows]
    spreads = [
        [ratio - row["least"] for ratio, row in zip(ratios, rows, strict=True)],
        [row["most"] - ratio for ratio, row in zip(ratios, rows, strict=True)],
    ]
    colours = [FASTER if ratio > 1 else SLOWER for ratio in ratios]
    names = [
        f"{row['who']}  {ratio:.{2 if ratio < 2 else 1}f}"
        for ratio, row in zip(ratios, rows, strict=True)
    ]
    axis.barh(names, ratios, xerr=spreads, color=colours, ecolor="#555555", capsize=2)
    axis.axvline(1, color="#c03030", linestyle="--", linewidth=1)
    axis.set_xlim(0, 1.05 * max(row["most"] for row in rows))
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(axis="x", labelsize=7)
