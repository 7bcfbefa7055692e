"""Diagrams of the whole model, and of training and decoding (figure 1, section 3)."""

from tf_transformer.analysis.diagrams.canvas import GAP, Box, Canvas

SENTENCE = ("나는", "학생", "이다", ".", "</s>")
BEGIN = "<s>"
TOKEN = 70  # width of a token with its gap
BOX_WIDTH = 290
ENCODER, DECODER = 195, 575  # middles of the two columns


def transformer(language):
    """Encoder and decoder, with their inputs and outputs."""
    canvas = Canvas("Transformer", "Transformer", (790, 730), language)
    encoder = _inputs(canvas, ENCODER, "source", "S")
    decoder = _inputs(canvas, DECODER, "target", "T")
    encoder_boxes = _stack(canvas, ENCODER, encoder, "Encoder", 2)
    decoder_boxes = _stack(canvas, DECODER, decoder, "Decoder", 3)
    top, cross = encoder_boxes[-1], decoder_boxes[2]
    between = (ENCODER + DECODER) / 2
    above = top.top - 40
    canvas.arrow(
        *((ENCODER, top.top), (ENCODER, above), (between, above)),
        *((between, cross.middle), (cross.left, cross.middle)),
    )
    canvas.text(ENCODER + 10, above - 8, "encoder output", "note", "start")
    output = decoder_boxes[-1]
    title = "Logits with the embedding matrix"
    logits = canvas.box(
        *(DECODER, output.top - 40, title, "logits = y Eᵀ"),
        kind="network",
        width=BOX_WIDTH,
    )
    canvas.up(output, logits)
    canvas.arrow((DECODER, logits.top), (DECODER, logits.top - GAP))
    softmax = "probabilities of the next token"
    canvas.text(DECODER, logits.top - GAP - 8, softmax)
    return canvas


def _inputs(canvas, x, side, length):
    """Draws embedding, positions and dropout; returns the upper box."""
    words = "source" if side == "source" else "target, shifted right"
    canvas.text(x, 692, words)
    canvas.text(x, 710, f"{side}_ids (B, {length})", "code")
    embedding = canvas.box(
        *(x, 654, "Embedding × √d_model", f"{side}_embedding: TokenEmbedding"),
        kind="network",
        width=BOX_WIDTH,
    )
    canvas.arrow((x, 678), (x, embedding.bottom))
    code = f"{side}_positions: PositionalEncoding"
    positions = canvas.box(
        x, embedding.top - GAP, "Positional encoding", code, width=BOX_WIDTH
    )
    dropout = canvas.box(
        x, positions.top - GAP, code="embedding_dropout: Dropout", width=BOX_WIDTH
    )
    canvas.up(embedding, positions, dropout)
    return dropout


def _stack(canvas, x, below, title, num_sublayers):
    """Draws a frame with the sub-layers of one block; returns their boxes."""
    titles = ["Multi-head self-attention", "Feed-forward network"]
    if num_sublayers == 3:
        titles.insert(1, "Multi-head cross-attention")
    boxes, bottom = [below], below.top - 52
    for words in titles:
        kind = "network" if "network" in words else "attention"
        width = BOX_WIDTH - 30
        boxes.append(canvas.box(x, bottom, words, kind=kind, width=width))
        norm = canvas.box(
            *(x, boxes[-1].top - 14, "Add and normalize"), kind="norm", width=width
        )
        boxes.append(norm)
        bottom = norm.top - 14
    canvas.up(*boxes)
    top = boxes[-1].top - 12
    canvas.frame(Box(x, top, BOX_WIDTH, below.top - GAP - top))
    canvas.text(x - BOX_WIDTH / 2 + 16, below.top - GAP - 9, title, "label", "start")
    code = f"{title.lower()}: {title}"
    canvas.text(x + BOX_WIDTH / 2 - 14, below.top - GAP - 10, code, "code", "end")
    canvas.text(x + BOX_WIDTH / 2 + 8, (top + below.top) / 2, "N x", "code", "start")
    return boxes[1:]


def training_and_decoding(language):
    """Teacher forcing in one pass, and one step after another."""
    canvas = Canvas(
        "Training and decoding", "Transformer.decode, .step", (1030, 430), language
    )
    _training(canvas, 110)
    _decoding(canvas, 560)
    return canvas


def _token(canvas, x, bottom, token, kind="plain"):
    return canvas.box(x, bottom, code=token, kind=kind, width=TOKEN - 14)


def _training(canvas, left):
    canvas.text(20, 90, "Training: all positions in one pass", "label", "start")
    places = [left + 30 + TOKEN * i for i in range(len(SENTENCE))]
    middle, width = (places[0] + places[-1]) / 2, places[-1] - places[0] + TOKEN
    targets = [_token(canvas, x, 400, t) for x, t in zip(places, SENTENCE, strict=True)]
    inputs = [
        _token(canvas, x, 320, token, "network")
        for x, token in zip(places, (BEGIN, *SENTENCE), strict=False)
    ]
    for target, entered in zip(targets, inputs[1:], strict=False):
        canvas.arrow((target.x, target.top), (entered.x, entered.bottom))
    title = "Decoder with look-ahead mask"
    decoder = canvas.box(middle, 260, title, kind="attention", width=width)
    for x, token in zip(places, SENTENCE, strict=True):
        canvas.arrow((x, inputs[0].top), (x, decoder.bottom))
        predicted = _token(canvas, x, 190, token, "norm")
        canvas.arrow((x, decoder.top), (x, predicted.bottom))
    canvas.text(middle, 146, "Loss: compare with the target")
    for y, words in ((385, "target"), (305, "decoder input"), (175, "prediction")):
        canvas.text(left - 8, y - 1, words, "note", "end")
    canvas.text(left - 8, 350, "shift right", "note", "end")


def _decoding(canvas, left):
    canvas.text(left, 90, "Decoding: one position per step", "label", "start")
    canvas.text(left, 110, "the prediction is the next input", "note", "start")
    known = (BEGIN, *SENTENCE)
    places = [left + 80 + TOKEN * i for i in range(len(known))]
    for step in range(1, len(known)):
        bottom = 110 + 54 * step
        canvas.text(left, bottom - 11, f"step {step}", "note", "start")
        row = [
            _token(canvas, x, bottom, token, "network" if i < step else "norm")
            for i, (x, token) in enumerate(zip(places, known[: step + 1], strict=False))
        ]
        last, predicted = row[-2:]
        canvas.arrow((last.right, last.middle), (predicted.left, last.middle))
        if step < len(SENTENCE):
            canvas.arrow((predicted.x, bottom), (predicted.x, bottom + 24))
