"""Diagrams of attention: one and several heads (section 3.2)."""

from tf_transformer.analysis.diagrams.canvas import GAP, Box, Canvas, text_width


def scaled_dot_product_attention(language):
    """Equation (1), one operation in each box."""
    canvas = Canvas(
        *("Scaled dot-product attention", "layers.scaled_dot_product_attention"),
        *((500, 520), language),
    )
    x, width = 190, 260
    steps = (
        ("Dot products", "Q Kᵀ", "attention"),
        ("Scale", "/ √d_k", "plain"),
        ("Mask", "False: -1e9", "plain"),
        ("Softmax over the keys", "softmax", "attention"),
        ("Weighted mean of the values", "weights V", "attention"),
    )
    boxes, bottom = [], 440
    for title, code, kind in steps:
        boxes.append(canvas.box(x, bottom, title, code, kind=kind, width=width))
        bottom = boxes[-1].top - GAP
    canvas.up(*boxes)
    dot, _, mask, softmax, mean = boxes
    inputs = ((120, "queries", "Q (T, d_k)"), (260, "keys", "K (S, d_k)"))
    for place, name, code in (*inputs, (430, "values", "V (S, d_v)")):
        canvas.text(place, 484, name)
        canvas.text(place, 500, code, "code")
    for place, _, _ in inputs:
        canvas.arrow((place, 468), (place, dot.bottom))
    canvas.arrow((430, 468), (430, mean.middle), (mean.right, mean.middle))
    canvas.arrow((mask.right + 30, mask.middle), (mask.right, mask.middle))
    canvas.text(mask.right + 34, mask.middle + 4, "mask", anchor="start")
    for box, name in ((dot, "scores"), (softmax, "attention weights")):
        canvas.text(x + 10, box.top - 7, name, anchor="start")
        end = x + 16 + _width(canvas, name)
        canvas.text(end, box.top - 7, "(T, S)", "code", "start")
    canvas.arrow((x, mean.top), (x, mean.top - GAP))
    canvas.text(x, mean.top - GAP - 6, "(T, d_v)", "code")
    return canvas


def _width(canvas, text):
    return text_width(canvas.words(text), "note")


def multi_head_attention(language):
    """Projections, h heads in parallel, and the output projection."""
    canvas = Canvas(
        *("Multi-head attention", "layers.MultiHeadAttention"), (640, 540), language
    )
    projections = (
        (110, 110, "Project the queries", "query_dense", "Q (B, h, T, d_k)"),
        (300, 395, "Project the keys", "key_dense", "K (B, h, S, d_k)"),
        (490, 395, "Project the values", "value_dense", "V (B, h, S, d_k)"),
    )
    for x, input_x, title, name, shape in projections:
        code = f"{name}: Dense"
        box = canvas.box(x, 458, title, code, kind="network", width=180)
        canvas.arrow(*_elbow(input_x, 496, x, box.bottom))
        canvas.arrow((x, box.top), (x, 350))
        canvas.text(x + 8, 376, shape, "code", "start")
        canvas.text(x + 8, 396, "divide into h heads", "note", "start")
    for x, name, shape in (
        (110, "query", "(B, T, d_model)"),
        (395, "key and value", "(B, S, d_model)"),
    ):
        canvas.text(x, 510, name)
        canvas.text(x, 526, shape, "code")
    _heads(canvas, 350)
    return canvas


def _elbow(x, y, end_x, end_y):
    middle = (y + end_y) / 2
    return (x, y), (x, middle), (end_x, middle), (end_x, end_y)


def _heads(canvas, bottom):
    """Draws the steps after the projections, from the attention to the output."""
    for behind in (12, 6, 0):  # a pile of heads
        canvas.frame(Box(300 + behind, bottom - 96 - behind, 536, 96))
    title = "Scaled dot-product attention"
    canvas.box(
        *(300, bottom - 14, title, "dropout: Dropout"), kind="attention", width=320
    )
    canvas.text(300, bottom - 72, "h heads in parallel; dropout on weights")
    concat = canvas.box(300, bottom - 130, "Concatenate the heads", width=220)
    output = canvas.box(
        *(300, concat.top - GAP, "Mix the heads", "output_dense: Dense"),
        kind="network",
        width=220,
    )
    canvas.arrow((300, bottom - 108), (300, concat.bottom))
    canvas.up(concat, output)
    canvas.arrow((300, output.top), (300, output.top - GAP))
    canvas.text(300, output.top - GAP - 6, "(B, T, d_model)", "code")
