"""Diagram of the masks of a sentence (section 3.2.3)."""

from tf_transformer.analysis.diagrams.canvas import Canvas

SOURCE = ("I", "am", "a", "student", "</s>", "<pad>")
TARGET = ("<s>", "나는", "학생", "이다", ".", "<pad>", "<pad>")
PADDING = "<pad>"
CELL = 25
# title, names of the masks, queries, keys, whether the future is hidden
MASKS = (
    ("Encoder self-attention", "padding mask", SOURCE, SOURCE, False),
    ("Decoder self-attention", "look-ahead and padding mask", TARGET, TARGET, True),
    ("Cross-attention", "source padding mask", TARGET, SOURCE, False),
)


def the_three_masks(language):
    """Which keys each query may attend to, in each of the three attentions."""
    canvas = Canvas("The three masks", "layers.combine_masks", (860, 420), language)
    for place, (title, note, queries, keys, is_causal) in enumerate(MASKS):
        left = 30 + 275 * place
        canvas.text(left, 88, title, "label", "start")
        canvas.text(left, 106, note, "note", "start")
        _matrix(canvas, left + 70, 180, queries, keys, is_causal)
    kinds = (
        ("may-attend", "may attend"),
        ("padding", "hidden: padding"),
        ("future", "hidden: future"),
    )
    for place, (kind, words) in enumerate(kinds):
        canvas.cell(30 + 190 * place, 384, 16, kind)
        canvas.text(52 + 190 * place, 397, words, "note", "start")
    canvas.text(830, 397, "row: query, column: key", "note", "end")
    return canvas


def _matrix(canvas, left, top, queries, keys, is_causal):
    for column, key in enumerate(keys):
        canvas.text(left + CELL * (column + 0.65), top - 8, key, "code", "start", -55)
    for row, query in enumerate(queries):
        canvas.text(left - 8, top + CELL * (row + 0.65), query, "code", "end")
        for column, key in enumerate(keys):
            kind = "padding" if key == PADDING else "may-attend"
            if is_causal and column > row:
                kind = "future"
            canvas.cell(left + CELL * column, top + CELL * row, CELL, kind)
