"""The attention page inside a notebook's cell."""

import html
from collections.abc import Sequence

from tf_transformer.analysis.html_page import page
from tf_transformer.analysis.maps import AttentionMaps


class View:
    """A page that a notebook shows below its cell.

    The page is in a separate frame, without access to the notebook.

    Args:
        title: Heading of the page.
        text: The text of an HTML file.
        height: Height of the frame, in pixels.
    """

    def __init__(self, title, text, height):
        self.title = title
        self.text = text
        self.height = height

    def __repr__(self):
        return f"View({self.title!r})"

    def _repr_html_(self):
        return (
            f'<iframe srcdoc="{html.escape(self.text)}" sandbox="allow-scripts" '
            f'title="{html.escape(self.title)}" style="width: 100%; '
            f'height: {self.height}px; border: 0; border-radius: 8px"></iframe>'
        )


def view(
    maps: Sequence[AttentionMaps],
    title: str = "Attention",
    kind: str = "cross",
    height: int = 720,
) -> View:
    """The page of `page`, for the last line of a notebook's cell.

    It works without a network, in Jupyter, VS Code and Colab, and in the output
    of `nbconvert`. GitHub does not show it.

    Args:
        maps: Maps of one or more sentences, of pieces or of words.
        title: Heading of the page.
        kind: Attention to show first: `"encoder"`, `"decoder"` or `"cross"`. Defaults
            to `"cross"`.
        height: Height in pixels. Defaults to 720.

    Returns:
        A `View`, which a notebook shows; `.text` is the text of an HTML file.

    Raises:
        ValueError: If there are no maps, or no attention of this kind.

    Example:

    >>> import numpy as np
    >>> weights = np.array([[[[0.1, 0.7, 0.2], [0.0, 0.1, 0.9]]]])
    >>> source, target = ("a", "cat", "</s>"), ("고양이", "</s>")
    >>> shown = view([AttentionMaps(source, target, ("<s>", "고양이"), weights)])
    >>> shown.text.startswith("<!doctype html>")
    True
    """
    return View(title, page(maps, title, kind), height)
