"""BPE and character models in the graph equal the library's.

Run: pytest tests/export/graph_tokenizer/test_merges.py
"""

import random

import pytest
import sentencepiece
import tensorflow as tf
from sentencepiece import sentencepiece_model_pb2
from tensorflow.python.framework import op_def_registry

from tests.export.graph_tokenizer.library import (
    EDGES,
    LINES,
    MALFORMED,
    assert_decodes_equal,
    assert_equal,
    random_ids,
    random_texts,
    train_model,
)
from tf_transformer.export.graph_tokenizer.tokenizer import GraphTokenizer
from tf_transformer.ids import EOS_ID

SYMBOLS = ["<x>", "ab", "abc", "**", "Ａ", "▁▁", "the", "é"]
_Piece = sentencepiece_model_pb2.ModelProto.SentencePiece


def compare(model, seed=0, symbols=()):
    library = sentencepiece.SentencePieceProcessor(model_proto=model)
    twin = GraphTokenizer(model)
    assert_equal(twin, library, [*LINES, *EDGES, *MALFORMED, "<ko> <ko>a"])
    assert_equal(twin, library, random_texts(seed, 60, symbols))
    assert_decodes_equal(twin, library, random_ids(seed, library, symbols))


@pytest.mark.long
def test_bpe_with_user_defined_symbols_is_the_librarys():
    model = train_model(model_type="bpe", user_defined_symbols=SYMBOLS)
    library = sentencepiece.SentencePieceProcessor(model_proto=model)
    twin = GraphTokenizer(model)
    assert_equal(twin, library, [*LINES, *EDGES, *MALFORMED])
    assert_equal(twin, library, random_texts(0, 60, SYMBOLS))
    for text in [*EDGES[::3], *MALFORMED[::3]]:  # without batch mates
        assert_equal(twin, library, [text])
    assert_decodes_equal(twin, library, random_ids(0, library, SYMBOLS))
    assert twin.encode(tf.constant([], tf.string)).shape[0] == 0
    assert twin.encode(tf.constant(["", " "])).numpy().tolist() == [[EOS_ID]] * 2
    graph = twin.encode.get_concrete_function().graph.as_graph_def()
    functions = graph.library.function
    ops = {node.op for f in functions for node in f.node_def}
    ops |= {node.op for node in graph.node}
    ops -= {function.signature.name for function in functions}
    assert {"While", "StatelessWhile"} & ops
    assert all(op_def_registry.get(op) and "Py" not in op for op in ops)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"byte_fallback": False, "unk_surface": "?"},
        {"normalization_rule_name": "identity", "remove_extra_whitespaces": False},
        {"normalization_rule_name": "nfkc_cf", "control_symbols": ["<ko>"]},
        {"split_by_whitespace": False, "allow_whitespace_only_pieces": True},
        {"split_by_whitespace": False, "add_dummy_prefix": False},
        {"byte_fallback": False, "user_defined_symbols": SYMBOLS},
        {"model_type": "char"},
        {"model_type": "char", "user_defined_symbols": SYMBOLS},
    ],
    ids=str,
)
def test_other_models_without_probabilities_are_followed_too(settings):
    settings = {"model_type": "bpe"} | settings
    symbols = settings.get("user_defined_symbols", ())
    compare(train_model(**settings), symbols=symbols)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_unused_pieces_are_split_again_and_equal_scores_go_leftmost(seed):
    model = train_model(model_type="bpe", byte_fallback=seed % 2 == 0)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    chance = random.Random(seed)
    for piece in proto.pieces:
        if piece.type == _Piece.NORMAL and chance.random() < 0.4:
            piece.type = _Piece.UNUSED
        if seed > 1 and piece.type in (_Piece.NORMAL, _Piece.UNUSED):
            piece.score = -float(chance.randrange(4))
    compare(proto.SerializeToString(), seed)


@pytest.mark.long
def test_a_long_word_is_merged():
    model = train_model(model_type="bpe", split_by_whitespace=False)
    library = sentencepiece.SentencePieceProcessor(model_proto=model)
    texts = ["*" * 1_000 + "the" * 300, "short", "가나다" * 500]
    assert_equal(GraphTokenizer(model), library, texts)
