"""Boxes, arrows and words as SVG text."""

import html
import unicodedata
from typing import NamedTuple

from tf_transformer.analysis.diagrams.words import KOREAN

LANGUAGES = ("en", "ko")
MARGIN = 20
TITLE_HEIGHT = 58
GAP = 22  # between stacked boxes
# class of a text: its size in pixels, and the width of a Latin letter in ems
TEXTS = {
    "title": (17, 0.62),
    "label": (14, 0.60),
    "code": (11.5, 0.61),
    "note": (12, 0.58),
}
STYLE = """
.tt-diagram { --paper: #ffffff; --ink: #1b2430; --quiet: #5a6675; --edge: #c9d1da;
  --attention: #08519c; --network: #a8551e; --norm: #4b7f2a; --tint: 9%; }
@media (prefers-color-scheme: dark) { .tt-diagram { --paper: #11161d; --ink: #e6ebf1;
  --quiet: #9aa7b5; --edge: #4a5765; --attention: #79b8ff; --network: #eba36a;
  --norm: #97cf77; --tint: 16%; } }
.tt-diagram text { fill: var(--ink); font-family: system-ui, "Apple SD Gothic Neo",
  "Malgun Gothic", "Noto Sans KR", "Noto Sans CJK KR", sans-serif; }
.tt-diagram .tt-title { font-size: 17px; font-weight: 700; }
.tt-diagram .tt-label { font-size: 14px; font-weight: 600; }
.tt-diagram .tt-code { font-size: 11.5px; fill: var(--quiet); font-family:
  "DejaVu Sans Mono", Menlo, Consolas, "Noto Sans Mono CJK KR", monospace; }
.tt-diagram .tt-note { font-size: 12px; fill: var(--quiet); }
.tt-paper { fill: var(--paper); stroke: var(--edge); }
.tt-box { stroke-width: 1.6; stroke: var(--colour, var(--quiet)); fill:
  color-mix(in srgb, var(--colour, var(--quiet)) var(--tint), var(--paper)); }
.tt-attention { --colour: var(--attention); }
.tt-network { --colour: var(--network); }
.tt-norm { --colour: var(--norm); }
.tt-frame { fill: none; stroke: var(--edge); stroke-width: 1.6; }
.tt-line { fill: none; stroke: var(--quiet); stroke-width: 1.5; }
.tt-head { fill: var(--quiet); }
.tt-cell { stroke: var(--paper); stroke-width: 2; }
.tt-may-attend { fill: var(--attention); }
.tt-padding { fill: var(--edge); }
.tt-future { fill: color-mix(in srgb, var(--network) 45%, var(--paper)); }
"""


def text_width(text: str, kind: str) -> float:
    """An upper bound of a text's width in pixels; Hangul is one em wide.

    Args:
        text: The text.
        kind: A key of `TEXTS`.
    """
    size, latin = TEXTS[kind]
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return size * (wide + latin * (len(text) - wide))


class Box(NamedTuple):
    """Position and size of a box: its middle, its upper edge, width and height."""

    x: float
    top: float
    width: float
    height: float

    @property
    def bottom(self):
        return self.top + self.height

    @property
    def left(self):
        return self.x - self.width / 2

    @property
    def right(self):
        return self.x + self.width / 2

    @property
    def middle(self):
        return self.top + self.height / 2


class Canvas:
    """A picture of boxes, arrows and words.

    Args:
        title: English heading.
        code: Name of the object in the code, below the heading.
        size: Width and height, in pixels.
        language: `"en"` or `"ko"`.
    """

    def __init__(self, title, code, size, language):
        self.width, self.height = size
        self.language = language
        self.title = title
        self._elements = []
        self.text(MARGIN, 32, title, "title", "start")
        self.text(MARGIN, 50, code, "code", "start")

    def words(self, english):
        """A text in the language of the picture."""
        return english if self.language == "en" else KOREAN[english]

    def text(self, x, y, text, kind="note", anchor="middle", turn=0):
        """Writes a line; `code` is not translated, other kinds are.

        Args:
            x: Position of the anchor of the line.
            y: The base line.
            text: English text, or code.
            kind: A key of `TEXTS`.
            anchor: `"start"`, `"middle"` or `"end"`.
            turn: Degrees.
        """
        shown = text if kind == "code" else self.words(text)
        turned = f' transform="rotate({turn} {x:g} {y:g})"' if turn else ""
        self._elements.append(
            f'<text class="tt-{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
            f"{turned}>{html.escape(shown, quote=False)}</text>"
        )

    def box(self, x, bottom, title="", code="", *, kind="plain", width):
        """Draws a box with a title, a line of code or both.

        Args:
            x: Middle.
            bottom: Lower edge.
            title: English title.
            code: Second line.
            kind: `"attention"`, `"network"`, `"norm"` or `"plain"`: the colour.
            width: Pixels.

        Returns:
            The `Box`.
        """
        box = Box(x, bottom - (46 if title and code else 30), width, 0)
        box = box._replace(height=bottom - box.top)
        self._rectangle(box, f"tt-box tt-{kind}")
        if title:
            self.text(x, box.top + 20, title, "label")
        if code:
            self.text(x, box.bottom - (11 if title else 10), code, "code")
        return box

    def frame(self, box):
        """Draws an outline.

        Args:
            box: A `Box`.
        """
        self._rectangle(box, "tt-frame")

    def _rectangle(self, box, kind):
        self._elements.append(
            f'<rect class="{kind}" x="{box.left:g}" y="{box.top:g}" '
            f'width="{box.width:g}" height="{box.height:g}" rx="7"/>'
        )

    def cell(self, x, y, size, kind):
        """Draws one cell of a matrix.

        Args:
            x: Left edge.
            y: Upper edge.
            size: Pixels.
            kind: `"may-attend"`, `"padding"` or `"future"`.
        """
        self._elements.append(
            f'<rect class="tt-cell tt-{kind}" x="{x:g}" y="{y:g}" '
            f'width="{size}" height="{size}" rx="3"/>'
        )

    def plus(self, x, bottom):
        """Draws a sum.

        Args:
            x: Middle.
            bottom: Lower edge.

        Returns:
            The `Box` around it.
        """
        box = Box(x, bottom - 22, 22, 22)
        self._elements += [
            f'<circle class="tt-box" cx="{x:g}" cy="{box.middle:g}" r="11"/>',
            f'<path class="tt-line" d="M{x - 6:g} {box.middle:g}h12m-6 -6v12"/>',
        ]
        return box

    def arrow(self, *points):
        """Draws a line through the points with an arrow head at the last.

        Args:
            *points: Pairs x, y.
        """
        (x, y), (before_x, before_y) = points[-1], points[-2]
        length = ((x - before_x) ** 2 + (y - before_y) ** 2) ** 0.5
        dx, dy = (x - before_x) / length, (y - before_y) / length
        back_x, back_y = x - 8 * dx, y - 8 * dy
        line = "L".join(f"{a:g} {b:g}" for a, b in [*points[:-1], (back_x, back_y)])
        corners = (
            (x, y),
            (back_x - 4 * dy, back_y + 4 * dx),
            (back_x + 4 * dy, back_y - 4 * dx),
        )
        head = "L".join(f"{a:.4g} {b:.4g}" for a, b in corners)
        self._elements += [
            f'<path class="tt-line" d="M{line}"/>',
            f'<path class="tt-head" d="M{head}z"/>',
        ]

    def up(self, *boxes):
        """Connects boxes, from the lowest one, by arrows.

        Args:
            *boxes: `Box`es, stacked.
        """
        for below, above in zip(boxes, boxes[1:], strict=False):
            self.arrow((above.x, below.top), (above.x, above.bottom))

    def svg(self):
        """The picture as the text of an SVG file."""
        title = html.escape(self.words(self.title), quote=False)
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="tt-diagram" '
                f'lang="{self.language}" role="img" width="{self.width}" '
                f'height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
                'style="max-width: 100%; height: auto">',
                f"<title>{title}</title>",
                f"<style>{STYLE}</style>",
                f'<rect class="tt-paper" x="0.5" y="0.5" width="{self.width - 1}" '
                f'height="{self.height - 1}" rx="10"/>',
                *self._elements,
                "</svg>\n",
            ]
        )
