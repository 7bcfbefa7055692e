"""Attention as one self-contained HTML file."""

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tf_transformer.analysis.heads import head_statistics
from tf_transformer.analysis.maps import AttentionMaps, list_of_maps
from tf_transformer.analysis.words import are_words, text_of

_FOLDER = Path(__file__).parent
# modules that are shared with the page of the service
_MODULES = tuple(
    _FOLDER.parent / "serving" / "page" / f"{name}.js"
    for name in ("element", "texts", "weights")
)


def page(
    maps: Sequence[AttentionMaps], title: str = "Attention", kind: str = "cross"
) -> str:
    """An interactive page with maps of all heads and one head word by word.

    The file contains its style, script and data, with weights rounded to thousandths.
    Texts are data and never become HTML. In a Korean browser the page is in Korean.

    Args:
        maps: Maps of one or more sentences, of pieces or of words.
        title: Heading of the page.
        kind: Attention to show first: `"encoder"`, `"decoder"` or `"cross"`. Defaults
            to `"cross"`.

    Returns:
        The text of an HTML file, to be written as UTF-8.

    Raises:
        ValueError: If there are no maps, or no attention of this kind.

    Example:

    >>> weights = np.array([[[[0.1, 0.7, 0.2], [0.0, 0.1, 0.9]]]])
    >>> source, target = ("a", "cat", "</s>"), ("고양이", "</s>")
    >>> text = page([AttentionMaps(source, target, ("<s>", "고양이"), weights)])
    >>> "<canvas" in text, "</html>" in text
    (False, True)
    """
    maps = list_of_maps(maps)
    maps[0].weights(kind)  # raises without it
    data = {"sentences": [_sentence(sentence) for sentence in maps], "kind": kind}
    parts = {
        "title": html.escape(title),
        "style": _read("page.css"),
        "script": _script(),
        "data": json_in_html(data),
    }
    # in one pass, so that nothing is replaced inside an inserted part
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _read("page.html"))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8").strip()


def _script() -> str:
    """The shared modules and the page's script, as one script."""
    modules = [path.read_text(encoding="utf-8") for path in _MODULES]
    modules = [re.sub("^export ", "", text, flags=re.MULTILINE) for text in modules]
    return "\n".join(['"use strict";\n', *modules, _read("page.js")])


def json_in_html(data) -> str:
    """JSON for a `<script>` element, escaped so that nothing in it ends the element.

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
    """The text of the source, from tokens or words."""
    tokens = maps.source[:-1]
    return " ".join(tokens) if are_words(tokens) else text_of(tokens)
