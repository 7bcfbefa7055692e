"""Attention in a terminal: for each word, the word with the largest weight."""

import unicodedata
from collections.abc import Sequence

from tf_transformer.analysis.maps import AttentionMaps

TITLES = {
    "encoder": ("source", "attends most to (source)"),
    "decoder": ("target", "attends most to (target so far)"),
    "cross": ("target", "attends most to (source)"),
}


def table(maps: AttentionMaps, kind: str) -> str:
    """Each token with the key of the largest mean weight over the last layer's heads.

    Args:
        maps: Maps of a sentence, of words or of pieces.
        kind: `"encoder"`, `"decoder"` or `"cross"`.

    Returns:
        Lines of three columns; the first line has their titles.

    Example:

    >>> import numpy as np
    >>> weights = np.array([[[[0.1, 0.7, 0.2], [0.0, 0.1, 0.9]]]])
    >>> source, target = ("a", "cat", "</s>"), ("고양이", "</s>")
    >>> maps = AttentionMaps(source, target, ("<s>", "고양이"), weights)
    >>> print(table(maps, "cross"))
    target  attends most to (source)  weight
    고양이  cat                         0.70
    </s>    </s>                        0.90
    """
    weights = maps.weights(kind)[-1].mean(axis=0)
    keys = maps.keys(kind)
    lines = [(*TITLES[kind], "weight")]
    for query, row in zip(maps.queries(kind), weights, strict=True):
        strongest = int(row.argmax())
        lines.append((query, keys[strongest], f"{row[strongest]:6.2f}"))
    return "\n".join(_aligned(lines))


def _aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            word + " " * (width - _width(word))
            for word, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def _width(text: str) -> int:
    """Cells of a terminal: two for Hangul and other wide characters."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
