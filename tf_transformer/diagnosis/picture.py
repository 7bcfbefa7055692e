"""The picture of influences (`pip install tf_transformer[pictures]`)."""

import numpy as np

from tf_transformer.utils.figures import new_figure

COLOURS = "Blues"
FAULT = "#d62728"
INCHES_PER_TOKEN = 0.32
WEAKEST = 1e-5  # lowest relative influence that is drawn


def picture_of_influence(influences, causal: str | None, title: str):
    """Draws a map for each sequence.

    Args:
        influences: `Influence` of each sequence.
        causal: Name of the causal sequence, or `None`. Influences of its future
            tokens are framed.
        title: The model's name.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: Without matplotlib.
    """
    widths = [max(6, len(i.positions)) * INCHES_PER_TOKEN for i in influences]
    height = max(4, len(influences[0].matrix)) * INCHES_PER_TOKEN
    figure = new_figure(sum(widths) + 1.2 * len(widths) + 1, height + 1.8)
    grid = figure.subplots(1, len(influences), squeeze=False, width_ratios=widths)
    images = [
        _draw(axes, influence, influence.name == causal)
        for axes, influence in zip(grid[0], influences, strict=True)
    ]
    bar = figure.colorbar(images[-1], ax=list(grid[0]), shrink=0.8)
    bar.set_label("share of the strongest influence", fontsize=9)
    bar.set_ticks([0, 0.5, 1], labels=["0", "1/4", "1"])  # of the root
    figure.suptitle(f"Who influences whom: {title}", fontsize=11)
    return figure


def _draw(axes, influence, is_causal):
    matrix = np.nan_to_num(influence.matrix, posinf=1.0)
    strongest = matrix.max(initial=0) or 1.0
    # the root shows weak influences beside strong ones
    image = axes.imshow(
        np.sqrt(matrix / strongest), cmap=COLOURS, vmin=0, vmax=1, aspect="equal"
    )
    axes.set_xticks(range(len(influence.positions)), influence.positions, fontsize=8)
    axes.set_yticks(range(len(matrix)), range(len(matrix)), fontsize=8)
    axes.tick_params(length=0)
    axes.set_xlabel(f"{influence.name}: changed position", fontsize=9)
    axes.set_ylabel("output position", fontsize=9)
    if is_causal:
        axes.set_title("future tokens must have none", fontsize=9)
        _frame_leaks(axes, matrix, influence.positions)
    return image


def _frame_leaks(axes, matrix, positions) -> None:
    from matplotlib.patches import Rectangle

    for row, column in np.argwhere(matrix > WEAKEST):
        if row < positions[column]:
            corner = (column - 0.5, row - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, color=FAULT, lw=1.5))
