"""Attention as one HTML file: everything inside, nothing is fetched."""

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tf_transformer.analysis.heads import head_statistics
from tf_transformer.analysis.maps import AttentionMaps
from tf_transformer.analysis.words import SPACE, text_of

_FOLDER = Path(__file__).parent


def page(maps: Sequence[AttentionMaps], title: str = "Attention") -> str:
    """An interactive page: all heads at a glance, one head word by word.

    The file stands alone, with its style, its program and its data; weights are kept
    in thousandths. Texts are data and are never read as HTML.

    Args:
        maps: Maps of one or more sentences, of pieces or of words.
        title: Heading of the page.

    Returns:
        The text of an HTML file, to be written as UTF-8.

    Raises:
        ValueError: If there are no maps.

    Example:

    >>> weights = np.array([[[[0.1, 0.7, 0.2], [0.0, 0.1, 0.9]]]])
    >>> source, target = ("a", "cat", "</s>"), ("고양이", "</s>")
    >>> text = page([AttentionMaps(source, target, ("<s>", "고양이"), weights)])
    >>> "<canvas" in text, "</html>" in text
    (False, True)
    """
    if not maps:
        raise ValueError("There is nothing to show. Expected maps. Received: []")
    data = {"sentences": [_sentence(of_sentence) for of_sentence in maps]}
    parts = {
        "title": html.escape(title),
        "style": _read("page.css"),
        "script": _read("page.js"),
        "data": json_in_html(data),
    }
    # in one pass: what a part holds is not looked at again
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _read("page.html"))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8").strip()


def json_in_html(data) -> str:
    """JSON that may stand in a `<script>`: no character of it can end the element.

    Example:

    >>> json_in_html(["</script>"])
    '["\\\\u003c/script\\\\u003e"]'
    """
    text = json.dumps(data, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _sentence(maps: AttentionMaps) -> dict:
    kinds = {}
    for kind in maps.kinds:
        entropy = head_statistics([maps], kind)["entropy_share"]
        kinds[kind] = {
            "queries": maps.queries(kind),
            "keys": maps.keys(kind),
            "weights": np.rint(maps.weights(kind) * 1000).astype(int).tolist(),
            "entropy": np.nan_to_num(entropy).round(3).tolist(),
        }
    return {"title": _title(maps), "kinds": kinds}


def _title(maps: AttentionMaps) -> str:
    """The source's text: pieces say where words begin, words stand alone."""
    tokens = maps.source[:-1]
    is_pieces = tokens and tokens[0].startswith(SPACE)
    return text_of(tokens) if is_pieces else " ".join(tokens)
