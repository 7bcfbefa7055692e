"""Pictures: all labels are readable, also in Hangul; a missing extra is named."""

import dataclasses
import struct
import sys
import warnings

import pytest

from tests.analysis.small_maps import random_maps
from tf_transformer.analysis import pictures
from tf_transformer.analysis.pictures import FONT, picture_of_head, picture_of_heads

SYLLABLES = [c for c in map(chr, range(0xAC00, 0xD7A4)) if len(c.encode("euc_kr")) == 2]


def korean_maps(num_sources=9, num_targets=7):
    maps = random_maps(num_sources, num_targets)
    # read as mathematics, the second word could not be drawn
    target = ("동물은", r"$\nothing$", *maps.target[2:])
    return dataclasses.replace(maps, target=target, read=("<s>", *target[:-1]))


def test_font_holds_every_syllable_of_the_standard():
    ft2font = pytest.importorskip("matplotlib.ft2font")
    held = ft2font.FT2Font(str(FONT)).get_charmap()
    assert len(SYLLABLES) == 2350
    for character in [*SYLLABLES, "\u2581", "ㄱ", "ㅣ", "ß", "é", "~", "…", "「", "→"]:
        assert ord(character) in held, character
    assert FONT.stat().st_size < 1_000_000
    licence = FONT.with_name("OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence


def test_png_has_the_size_of_the_figure_and_no_glyph_is_missing():
    pytest.importorskip("matplotlib")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph")
        figure = picture_of_heads(korean_maps(), "cross")
        image = pictures.png(figure, dots_per_inch=60)
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    size = struct.unpack(">II", image[16:24])
    assert size == tuple(int(60 * inches) for inches in figure.get_size_inches())


def labels_of(figure):
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            yield [label for label in axis.get_ticklabels() if label.get_text()]


@pytest.mark.moderate
@pytest.mark.parametrize("kind", ["encoder", "decoder", "cross"])
@pytest.mark.parametrize("sizes", [(3, 4), (31, 26)], ids=["short", "long"])
@pytest.mark.parametrize("one", [True, False], ids=["one", "all"])
def test_labels_are_the_tokens_and_none_overlaps_the_next(kind, sizes, one):
    agg = pytest.importorskip("matplotlib.backends.backend_agg")
    maps = korean_maps(*sizes)
    if one:
        figure = picture_of_head(maps, kind, layer=2, head=3)
    else:
        figure = picture_of_heads(maps, kind)
    canvas = agg.FigureCanvasAgg(figure)
    canvas.draw()
    shown = list(labels_of(figure))
    assert [label.get_text() for label in shown[0]] == list(maps.keys(kind))
    assert [label.get_text() for label in shown[1]] == list(maps.queries(kind))
    whole = figure.bbox
    (title,) = figure.texts
    for labels in [*shown, [title]]:
        boxes = [label.get_window_extent(canvas.get_renderer()) for label in labels]
        for box, following in zip(boxes, boxes[1:], strict=False):
            assert not box.overlaps(following)
        for box in boxes:
            assert whole.x0 <= box.x0 and box.x1 <= whole.x1
            assert whole.y0 <= box.y0 and box.y1 <= whole.y1


def test_colours_are_the_weights():
    pytest.importorskip("matplotlib")
    maps = random_maps(5, 4)
    axes = picture_of_head(maps, "cross", layer=1, head=2).axes[0]
    assert axes.images[0].get_array().tolist() == maps.cross[0, 1].tolist()
    assert axes.images[0].get_clim() == (0, 1)
    grid = picture_of_heads(maps, "encoder").axes
    assert grid[5].images[0].get_array().tolist() == maps.encoder[1, 2].tolist()


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"tf_transformer\[pictures\]"):
        picture_of_heads(random_maps(5, 4), "cross")


def test_layers_heads_and_axes_are_named():
    pytest.importorskip("matplotlib")
    maps = random_maps(3, 4)
    figure = picture_of_heads(maps, "cross")
    grid = figure.axes
    assert [axes.get_title() for axes in grid[:3]] == ["head 1", "head 2", "head 3"]
    assert [axes.get_ylabel() for axes in grid[::3]] == ["layer 1", "layer 2"]
    described = "rows: target (query); columns: source (key)"
    assert figure.get_suptitle() == f"Cross-attention\n{described}"
    for kind, query, key in (
        ("encoder", "source", "source"),
        ("decoder", "target", "previous target"),
        ("cross", "target", "source"),
    ):
        figure = picture_of_head(maps, kind, layer=2, head=3)
        axes = figure.axes[0]
        assert axes.get_ylabel() == f"{query} (query)"
        assert axes.get_xlabel() == f"{key} (key)"
        assert figure.get_suptitle().endswith("attention, layer 2, head 3")
