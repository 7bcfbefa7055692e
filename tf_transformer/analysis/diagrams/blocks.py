"""Diagrams of one block of the encoder and of the decoders (figure 1)."""

from tf_transformer.analysis.diagrams.canvas import GAP, TITLE_HEIGHT, Canvas

BOX_WIDTH = 300
MIDDLE = 230  # of the boxes
WIDTH = 580
SUBLAYER_HEIGHT = 46 + 30 + 22 + 46 + 4 * GAP + 6
KINDS = {"MultiHeadAttention": "attention", "SSRU": "attention"}


def encoder_block(language):
    """Self-attention and the feed-forward network."""
    canvas, y = _new("Encoder block", "layers.EncoderBlock", 2, language)
    attention, y = _sublayer(
        canvas, y, "Multi-head self-attention", "self_attention", "MultiHeadAttention"
    )
    _queries(canvas, attention, "Q, K, V")
    _from_the_right(canvas, attention.middle, ["padding mask"])
    _, y = _network(canvas, y)
    _finish(canvas, y, "(B, S, d_model)")
    return canvas


def decoder_block(language):
    """Masked self-attention, cross-attention and the feed-forward network."""
    canvas, y = _new("Decoder block", "layers.DecoderBlock", 3, language)
    attention, y = _sublayer(
        canvas, y, "Multi-head self-attention", "self_attention", "MultiHeadAttention"
    )
    _queries(canvas, attention, "Q, K, V")
    _from_the_right(canvas, attention.middle, ["look-ahead mask", "padding mask"])
    _rest_of_decoder(canvas, y)
    return canvas


def ssru_decoder_block(language):
    """An SSRU, cross-attention and the feed-forward network."""
    equations = (
        "f_t = sigmoid(W_f x_t + b_f)",
        "c_t = f_t * c_{t-1} + (1 - f_t) * W x_t",
        "h_t = relu(c_t)",
    )
    canvas, y = _new("SSRU decoder block", "layers.SSRUDecoderBlock", 3, language, 66)
    for line, equation in enumerate(equations):
        place = canvas.height - 58 + 18 * line
        canvas.text(MIDDLE, place, f"SSRU:  {equation}"[6 * (line > 0) :], "code")
    ssru, y = _sublayer(canvas, y, "SSRU", "ssru", "SSRU")
    _from_the_right(canvas, ssru.middle, ["padding mask"])
    _rest_of_decoder(canvas, y)
    return canvas


def _new(title, code, num_sublayers, language, below=0):
    height = TITLE_HEIGHT + 40 + num_sublayers * SUBLAYER_HEIGHT + 40 + below
    canvas = Canvas(title, code, (WIDTH, height), language)
    y = height - 34 - below
    length = "S" if title == "Encoder block" else "T"
    canvas.text(MIDDLE, y + 16, f"x  (B, {length}, d_model)", "code")
    return canvas, y


def _rest_of_decoder(canvas, y):
    cross, y = _sublayer(
        canvas, y, "Multi-head cross-attention", "cross_attention", "MultiHeadAttention"
    )
    _queries(canvas, cross, "Q")
    _from_the_right(canvas, cross.middle - 12, ["source padding mask"])
    _from_the_right(canvas, cross.middle + 12, ["encoder output"])
    canvas.text(cross.right + 16, cross.bottom + 14, "K, V", "code", "start")
    _, y = _network(canvas, y)
    _finish(canvas, y, "(B, T, d_model)")


def _network(canvas, y):
    box, top = _sublayer(
        canvas, y, "Feed-forward network", "feed_forward", "FeedForward"
    )
    canvas.text(box.right + 12, box.middle - 4, "W_1, ReLU, W_2", "code", "start")
    canvas.text(box.right + 12, box.middle + 12, "d_ff", "code", "start")
    return box, top


def _sublayer(canvas, y, title, name, layer):
    """Draws LayerNorm(x + Dropout(Sublayer(x))) above y; returns sub-layer and top."""
    kind = KINDS.get(layer, "network")
    x, width = MIDDLE, BOX_WIDTH
    sublayer = canvas.box(
        *(x, y - GAP - 6, title, f"{name}: {layer}"), kind=kind, width=width
    )
    code = f"{name}_dropout: Dropout"
    dropout = canvas.box(x, sublayer.top - GAP, code=code, width=width)
    total = canvas.plus(x, dropout.top - GAP)
    norm = canvas.box(
        *(x, total.top - GAP, "Layer normalization"),
        f"{name}_norm: LayerNormalization",
        kind="norm",
        width=width,
    )
    canvas.arrow((x, y), (x, sublayer.bottom))
    canvas.up(sublayer, dropout, total, norm)
    side, start = sublayer.left - 26, y - 8
    canvas.arrow(
        (x, start), (side, start), (side, total.middle), (total.left, total.middle)
    )
    middle = (start + total.middle) / 2
    canvas.text(side - 8, middle, "residual connection", "note", "middle", -90)
    return sublayer, norm.top


def _queries(canvas, box, names):
    canvas.text(box.x + 8, box.bottom + 16, names, "code", "start")


def _from_the_right(canvas, y, notes):
    right = MIDDLE + BOX_WIDTH / 2
    canvas.arrow((right + 36, y), (right, y))
    for line, note in enumerate(notes):
        first = y + 4 - 8 * (len(notes) - 1)
        canvas.text(right + 40, first + 16 * line, note, "note", "start")


def _finish(canvas, y, shape):
    canvas.arrow((MIDDLE, y), (MIDDLE, y - GAP))
    canvas.text(MIDDLE, y - GAP - 8, shape, "code")
