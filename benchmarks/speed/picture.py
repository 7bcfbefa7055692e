"""A picture of the tables: bars of ours and of the peers, and the machine's limit."""

from pathlib import Path

from matplotlib.figure import Figure
from peers import OURS

OUR_COLOUR, THEIR_COLOUR = "#2a6fbb", "#b8b8b8"
LEFT_OUT = ("memory given back", "2 threads", "text")


def draw(results: dict, path: Path) -> None:
    """Draws one panel for each table of `main.py`'s results, a column for each model.

    Args:
        results: What `main.py` writes as JSON.
        path: The picture, `.svg` or `.png`.
    """
    panels = {}
    for row in [*results.get("training", []), *results.get("decoding", [])]:
        if not any(words in row["who"] for words in LEFT_OUT):
            panels.setdefault(_work(row), {}).setdefault(_model(row), []).append(row)
    models = sorted({model for columns in panels.values() for model in columns})[::-1]
    heights = [0.6 + 0.26 * max(map(len, panels[work].values())) for work in panels]
    figure = Figure(figsize=(5 * len(models), sum(heights)), layout="constrained")
    axes = figure.subplots(
        *(len(panels), len(models)), height_ratios=heights, squeeze=False
    )
    for work, of_models in zip(panels, axes, strict=True):
        for model, axis in zip(models, of_models, strict=True):
            if model not in panels[work]:
                axis.set_axis_off()
                continue
            _bars(axis, panels[work][model], results["limits"]["GF/s"])
            axis.set_title(f"{model}: {work}", loc="left", fontsize=10)
    figure.suptitle(
        "tokens per second, fastest turns; dashed: NumPy's matrix product", fontsize=9
    )
    figure.savefig(path, dpi=120)


def _model(row: dict) -> str:
    return row.get("training") or row["decoding"]


def _work(row: dict) -> str:
    if "training" in row:
        return "training"
    search = "greedy" if row["beam"] == 1 else f"beam {row['beam']}"
    return f"decoding, batch {row['batch']}, {search}"


def _bars(axis, rows: list[dict], gigaflops: float) -> None:
    rows = sorted(rows, key=lambda row: row["fastest"])
    rates = [row["fastest"] for row in rows]
    colours = [OUR_COLOUR if row["who"] == OURS else THEIR_COLOUR for row in rows]
    bars = axis.barh([row["who"] for row in rows], rates, color=colours)
    axis.bar_label(bars, [f"{rate:,.0f}" for rate in rates], padding=4)
    axis.set_xlim(0, 1.2 * max(rates))
    if "GF/s" in rows[-1]:
        best = rows[-1]
        limit = best["tokens/s"] * gigaflops / best["GF/s"]
        axis.axvline(limit, color="#c03030", linestyle="--", linewidth=1)
        axis.set_xlim(0, 1.2 * limit)
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.set_xticks([])
