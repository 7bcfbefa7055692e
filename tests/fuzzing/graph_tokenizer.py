"""The tokenizer in the graph gives the ids and the texts of SentencePiece."""

import functools

import numpy as np

from tests.export.graph_tokenizer.library import EDGES, LINES, MALFORMED, train_model
from tests.fuzzing.target import Target, must
from tf_transformer.ids import EOS_ID, PAD_ID

SEPARATOR = b"\xfe\n"
MAX_TEXTS = 8
SYMBOLS = ["<x>", "ab", "abc", "**", "the", "é"]
MODELS = (
    {"user_defined_symbols": SYMBOLS},
    {"model_type": "bpe", "normalization_rule_name": "identity"},
    {"byte_fallback": False, "normalization_rule_name": "nfkc_cf"},
    {"model_type": "char", "remove_extra_whitespaces": False},
    {"model_type": "bpe", "byte_fallback": False, "add_dummy_prefix": False},
)


@functools.cache
def pair(index):
    """A model of SentencePiece, and the graph of it."""
    import sentencepiece

    from tf_transformer.export.graph_tokenizer.tokenizer import GraphTokenizer

    model = train_model(**MODELS[index])
    library = sentencepiece.SentencePieceProcessor(model_proto=model)
    return library, GraphTokenizer(model)


def read_texts(data):
    library, twin = pair((data[0] if data else 0) % len(MODELS))
    texts = data[1:].split(SEPARATOR)[:MAX_TEXTS]
    expected = [ids + [EOS_ID] for ids in library.encode(texts)]
    width = max(map(len, expected))
    found = twin.encode(np.array(texts, object))
    must(
        found.numpy().tolist()
        == [ids + [PAD_ID] * (width - len(ids)) for ids in expected],
        "other ids than SentencePiece's",
    )
    decoded = [text.decode() for text in twin.decode(found).numpy()]
    must(decoded == [library.decode(ids) for ids in expected], "another text")


def read_ids(data):
    library, twin = pair((data[0] if data else 0) % len(MODELS))
    numbers = np.frombuffer(data[1 : len(data) // 2 * 2 - 1], "<u2")
    ids = (numbers % library.get_piece_size()).astype(np.int32)
    rows = ids[: len(ids) // 3 * 3].reshape(3, -1)
    decoded = [text.decode() for text in twin.decode(rows).numpy()]
    cut = [row[: row.index(EOS_ID)] if EOS_ID in row else row for row in rows.tolist()]
    must(decoded == [library.decode(row) for row in cut], "another text")


def text_seeds():
    texts = [text.encode() for text in LINES + EDGES] + MALFORMED
    rows = [SEPARATOR.join(texts[i : i + 3]) for i in range(0, len(texts), 3)]
    return [bytes([i % len(MODELS)]) + row for i, row in enumerate(rows)]


def id_seeds():
    generator = np.random.default_rng(3)
    return [
        bytes([i]) + generator.integers(0, 400, 60).astype("<u2").tobytes()
        for i in range(len(MODELS))
    ]


TARGETS = [
    Target("graph_tokenizer", read_texts, text_seeds, errors=(), max_length=512),
    Target("graph_tokenizer_ids", read_ids, id_seeds, errors=(), max_length=256),
]
