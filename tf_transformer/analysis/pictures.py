"""Heat maps of attention, by matplotlib (`pip install tf_transformer[pictures]`)."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tf_transformer.analysis.maps import AttentionMaps
from tf_transformer.utils.figures import new_figure

FONT = Path(__file__).parent / "font" / "sans-kr.otf"
"""Path of an OpenType font with Latin and Korean letters."""
COLOURS = "Blues"
TITLES = {
    "encoder": "Encoder self-attention",
    "decoder": "Decoder self-attention",
    "cross": "Cross-attention",
}
READS = {
    "encoder": ("source (query)", "source (key)"),
    "decoder": ("target (query)", "previous target (key)"),
    "cross": ("target (query)", "source (key)"),
}

_INCHES_PER_TOKEN = 0.26
_WIDEST_GRID = 16.0  # inches; more heads or tokens are drawn smaller
_SMALLEST_TOKEN = 0.09


def picture_of_head(maps: AttentionMaps, kind: str, layer: int, head: int):
    """One head as a heat map: a row for each query, a column for each key.

    Args:
        maps: Maps of a sentence, of pieces or of words.
        kind: `"encoder"`, `"decoder"` or `"cross"`.
        layer: 1 to N.
        head: 1 to h.

    Returns:
        A `matplotlib.figure.Figure`; `png` makes an image of it.

    Raises:
        ImportError: Without matplotlib.
        ValueError: If there is no such head.
    """
    weights = maps.head(kind, layer, head)
    num_rows, num_columns = weights.shape
    title = f"{TITLES[kind]}, layer {layer}, head {head}"
    size = (
        max(
            num_columns * _INCHES_PER_TOKEN
            + _label_inches(maps.queries(kind), 9)
            + 1.4,
            _label_inches([title], 12),
        ),
        num_rows * _INCHES_PER_TOKEN + _label_inches(maps.keys(kind), 9) + 0.9,
    )
    figure, text = _new_figure(size)
    axes = figure.add_subplot()
    image = _draw(axes, weights)
    _label(axes, "x", maps.keys(kind), 9, text)
    _label(axes, "y", maps.queries(kind), 9, text)
    rows, columns = READS[kind]
    axes.set_xlabel(columns, labelpad=8, **text)
    axes.xaxis.set_label_position("top")
    axes.set_ylabel(rows, **text)
    figure.suptitle(title, fontsize=11, **text)
    bar = figure.colorbar(image, ax=axes, ticks=[0, 0.5, 1], shrink=0.8)
    bar.ax.tick_params(labelsize=8)
    return figure


def picture_of_heads(maps: AttentionMaps, kind: str):
    """All heads of one kind: a row of maps for each layer, a column for each head.

    Args:
        maps: Maps of a sentence, of pieces or of words.
        kind: `"encoder"`, `"decoder"` or `"cross"`.

    Returns:
        A `matplotlib.figure.Figure`; `png` makes an image of it.

    Raises:
        ImportError: Without matplotlib.
        ValueError: If the model has no such attention.
    """
    weights = maps.weights(kind)
    num_layers, num_heads, num_rows, num_columns = weights.shape
    inches = np.clip(
        _WIDEST_GRID / (num_heads * num_columns), _SMALLEST_TOKEN, _INCHES_PER_TOKEN
    )
    points = min(9.0, inches * 72 * 0.65)
    wide = _label_inches(maps.queries(kind), points)
    high = _label_inches(maps.keys(kind), points)
    rows, columns = READS[kind]
    title = f"{TITLES[kind]}\nrows: {rows}; columns: {columns}"
    size = (
        max(
            num_heads * (num_columns * inches + 0.15) + wide + 0.7,
            _label_inches(title.splitlines(), 12),
        ),
        num_layers * (num_rows * inches + 0.15) + high + 1.2,
    )
    figure, text = _new_figure(size)
    grid = figure.subplots(num_layers, num_heads, squeeze=False)
    for (layer, head), axes in np.ndenumerate(grid):
        _draw(axes, weights[layer, head])
        _label(axes, "x", maps.keys(kind) if layer == 0 else (), points, text)
        _label(axes, "y", maps.queries(kind) if head == 0 else (), points, text)
        if layer == 0:
            axes.set_title(f"head {head + 1}", fontsize=10, **text)
        if head == 0:
            axes.set_ylabel(f"layer {layer + 1}", fontsize=10, **text)
    figure.suptitle(title, fontsize=11, **text)
    return figure


def png(figure, dots_per_inch: int = 150) -> bytes:
    """The picture as the bytes of a PNG file.

    Args:
        figure: A figure.
        dots_per_inch: Resolution. Defaults to 150.
    """
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dots_per_inch)
    return file.getvalue()


def _new_figure(size):
    """Makes a figure, and the settings of its text."""
    figure = new_figure(*size)
    from matplotlib import font_manager, rcParams

    name = font_manager.FontProperties(fname=FONT).get_name()
    if name not in font_manager.fontManager.get_font_names():
        font_manager.fontManager.addfont(FONT)
    # characters that are not in the font come from the user's fonts
    family = [name, *rcParams["font.family"]]
    # a dollar sign is an ordinary token
    text = {"fontfamily": family, "parse_math": False}
    return figure, text


def _draw(axes, weights):
    axes.tick_params(length=0)
    axes.spines[:].set(linewidth=0.5, color="grey")
    return axes.imshow(weights, cmap=COLOURS, vmin=0, vmax=1, aspect="equal")


def _label(axes, side, tokens: Sequence[str], points, text) -> None:
    style = {"fontsize": points, **text}
    if side == "y":
        axes.set_yticks(range(len(tokens)), tokens, **style)
    else:
        axes.xaxis.tick_top()
        axes.set_xticks(range(len(tokens)), tokens, rotation=90, **style)
        axes.tick_params(length=0)


def _label_inches(tokens, points) -> float:
    """The approximate length of the longest label; Hangul is twice as wide as Latin."""
    widths = [sum(1.0 if ord(c) > 0x2FF else 0.6 for c in token) for token in tokens]
    return max(widths) * points / 72
