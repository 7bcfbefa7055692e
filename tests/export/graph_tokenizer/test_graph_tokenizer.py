"""The tokenizer in the graph equals SentencePiece.

Run: pytest tests/export/graph_tokenizer/test_graph_tokenizer.py
"""

import pytest
import sentencepiece
import tensorflow as tf
from sentencepiece import sentencepiece_model_pb2

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
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.export.graph_tokenizer.tokenizer import GraphTokenizer
from tf_transformer.ids import EOS_ID, PAD_ID

# prefixes of each other, parts of words, changed by normalization, spaces
SYMBOLS = ["<x>", "ab", "abc", "**", "Ａ", "▁▁", "the", "é"]


@pytest.fixture(scope="module")
def tokenizer():
    pairs = [(left, right) for left in LINES for right in LINES]
    return Tokenizer.train(pairs, vocab_size=450)


@pytest.fixture(scope="module")
def model(tokenizer):
    return tokenizer.source_model


@pytest.fixture(scope="module")
def library(model):
    return sentencepiece.SentencePieceProcessor(model_proto=model)


@pytest.fixture(scope="module")
def twin(model):
    return GraphTokenizer(model)


@pytest.mark.moderate
@pytest.mark.parametrize("texts", [LINES, EDGES, MALFORMED])
def test_ids_and_texts_are_the_librarys(twin, library, texts):
    assert_equal(twin, library, texts)


@pytest.mark.moderate
def test_other_rows_of_the_batch_change_nothing(twin, library):
    for text in [*LINES, *EDGES, *MALFORMED]:
        assert_equal(twin, library, [text])


def test_graph_tokenizer_equals_the_python_tokenizer(twin, tokenizer):
    ids = twin.encode(tf.constant(LINES))
    rows = [[token_id for token_id in row if token_id] for row in ids.numpy().tolist()]
    assert rows == tokenizer.encode_source(LINES)
    texts = [text.decode() for text in twin.decode(ids).numpy()]
    assert texts == tokenizer.decode_source(ids.numpy())


@pytest.mark.long
def test_the_targets_normalization_shares_the_tables(twin, tokenizer):
    target = GraphTokenizer(tokenizer.target_model, vocabulary_of=twin)
    assert target._segmentation is twin._segmentation
    library = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.target_model)
    assert_equal(target, library, [*LINES, *EDGES, *MALFORMED])
    texts = [text for text in EDGES if "\u2581" not in text]
    decoded = target.decode(target.encode(tf.constant(texts))).numpy()
    assert [text.decode() for text in decoded] == texts


@pytest.mark.parametrize("blank", ["", "  ", "\t\n", "\u200b", "\x01", "\u2581"])
def test_blank_text_is_the_end_token(twin, blank):
    assert twin.encode(tf.constant([blank])).numpy().tolist() == [[EOS_ID]]


def test_no_texts_give_no_rows(twin):
    ids = twin.encode(tf.constant([], tf.string))
    assert ids.shape[0] == 0
    assert twin.decode(ids).shape == (0,)
    assert twin.decode(tf.zeros([2, 0], tf.int32)).numpy().tolist() == [b"", b""]


@pytest.mark.moderate
def test_long_text(twin, library):
    text = ("".join(LINES) * 50)[:10_000]
    assert len(text) == 10_000
    assert_equal(twin, library, [text, "short", "가" * 3_000])


@pytest.mark.long
def test_every_character_of_the_basic_plane(twin, library):
    characters = [chr(i) for i in range(0x10000) if not 0xD800 <= i < 0xE000]
    texts = [
        "".join(
            f"{character}\u0301x{character}\u3099" for character in characters[i::256]
        )
        for i in range(256)
    ]
    assert_equal(twin, library, texts)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(s, marks=pytest.mark.long) for s in (1, 2))]
)
def test_random_text_and_random_bytes(twin, library, seed):
    assert_equal(twin, library, random_texts(seed, 200))


@pytest.mark.parametrize("seed", range(2))
def test_random_ids_are_decoded_as_the_library_does(twin, library, seed):
    assert_decodes_equal(twin, library, random_ids(seed, library))


def test_decoding_stops_at_the_first_end(twin, library):
    ids = library.encode("I am a student") + [EOS_ID]
    rows = [ids + ids + [PAD_ID], [EOS_ID] + ids + ids]
    decoded = twin.decode(tf.constant(rows)).numpy().tolist()
    assert decoded == [b"I am a student", b""]


def test_an_id_beyond_the_vocabulary_is_an_error(twin, library):
    with pytest.raises(tf.errors.InvalidArgumentError):
        twin.decode(tf.constant([[library.get_piece_size()]]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"byte_fallback": False, "unk_surface": "?"},
        {"normalization_rule_name": "identity", "add_dummy_prefix": False},
        {"normalization_rule_name": "nfkc_cf", "control_symbols": ["<ko>"]},
        {"remove_extra_whitespaces": False, "split_by_whitespace": False},
        {"remove_extra_whitespaces": False, "add_dummy_prefix": False},
        {"user_defined_symbols": SYMBOLS},
        {"user_defined_symbols": SYMBOLS, "byte_fallback": False},
        {"user_defined_symbols": SYMBOLS, "normalization_rule_name": "identity"},
    ],
    ids=str,
)
def test_other_unigram_models_are_followed_too(settings):
    model = train_model(**settings)
    library = sentencepiece.SentencePieceProcessor(model_proto=model)
    twin = GraphTokenizer(model)
    symbols = settings.get("user_defined_symbols", ())
    assert_equal(twin, library, [*LINES, *EDGES, *MALFORMED, "<ko> <ko>a"])
    assert_equal(twin, library, random_texts(1, 100, symbols))
    assert_decodes_equal(twin, library, random_ids(1, library, symbols))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"treat_whitespace_as_suffix": True}, "treat_whitespace_as_suffix=True"),
        ({"model_type": "word"}, "unigram, bpe or char.*Received: model_type=word"),
    ],
)
def test_models_that_a_graph_cannot_reproduce_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        GraphTokenizer(train_model(**settings))


def test_a_text_with_too_many_characters_is_refused_before_it_is_split(model, library):
    longest = max(len(library.id_to_piece(i)) for i in range(260, len(library)))
    limited = GraphTokenizer(model, max_length=6)
    # the added space counts, others at the end are removed
    fits = "b" * (5 * longest - 1)
    ids = limited.encode(tf.constant(["a", fits + 999 * " "]))
    assert ids.shape[1] > 6
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 6 tokens") as e:
        limited.encode(tf.constant(["a", fits + "b"]))
    assert f"at most {5 * longest} characters" in e.value.message
    assert f"[{5 * longest + 1}]" in e.value.message


@pytest.mark.moderate
def test_many_unknown_characters_are_one_token():
    model = train_model(byte_fallback=False)
    limited = GraphTokenizer(model, max_length=6)
    assert limited.encode(tf.constant(["\U0001f9a6" * 500])).shape[1] <= 6


@pytest.mark.parametrize("serialized", [b"", b"no model"])
def test_bytes_that_are_not_a_model_are_refused(serialized):
    with pytest.raises(ValueError, match="SentencePiece model.*Received: "):
        GraphTokenizer(serialized)


@pytest.mark.long
def test_an_unused_piece_is_not_found_in_text(model, library):
    used = max(library.encode(LINES[0], out_type=str), key=len)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    piece = proto.pieces[library.piece_to_id(used)]
    piece.type = sentencepiece_model_pb2.ModelProto.SentencePiece.UNUSED
    changed = proto.SerializeToString()
    library = sentencepiece.SentencePieceProcessor(model_proto=changed)
    assert used not in library.encode(LINES[0], out_type=str)
    assert_equal(GraphTokenizer(changed), library, LINES)
