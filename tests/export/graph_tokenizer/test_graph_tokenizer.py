"""The graph's tokenizer is SentencePiece's twin.

Run: pytest tests/export/test_graph_tokenizer.py
"""

import random

import pytest
import sentencepiece
import tensorflow as tf
from sentencepiece import sentencepiece_model_pb2

from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.export.graph_tokenizer.tokenizer import GraphTokenizer
from tf_transformer.ids import EOS_ID, PAD_ID

LINES = [
    "The animal didn't cross the street because it was too tired.",
    "그 동물은 너무 지쳐서 길을 건너지 않았다.",
    "I am a student; you are teachers!",
    "나는 학생이고, 너희는 선생님이다!",
    "*** --- ...... ---------- ********** 1234567890 ===",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Deich",
]
EDGES = [
    "",
    " ",
    " \t\n\r\u3000\u00a0",
    "\u200b",  # a character that is dropped
    "\x01\x7f\ufeff",
    "\u2581",  # the visible space itself
    "a \u2581",
    "\u2581\u2581a  \u2581 b",
    "  two  spaces   and\ttab\nline ",
    "\0",
    "a\0b\0",
    "😀👨‍👩‍👧🇰🇷 emoji",
    "나는 학생",  # in conjoining letters
    "ｆｕｌｌ　ｗｉｄｔｈ　１２３",
    "ｶﾞｷﾞｸﾞ half width, voiced",
    "e\u0301 a\u0308\u0301 \u0344 q\u0323\u0307",
    "½ ﬁ ㈱ ① Å ℃ \u00a8 \ufdfa \ufdfa",
    "<s> </s> <unk> <pad> <0x41> </s>",
    "***** ** *** ********* ---- ------- ----",
    "\ufffd \ufffe \U0010ffff \ue000",
    "\u0f73 ཱི",
]
MALFORMED = [
    b"\xff",
    b"\x80\x80 a",
    b"a\xe3\x81",
    b"\xf0\x9f\x98 \xf0\x9f",
    b"\xed\xa0\x80 surrogate \xed\xbf\xbf",
    b"\xc0\xaf \xc1\x81 \xe0\x80\xaf \xf0\x80\x80\xaf overlong",
    b"\xf4\x90\x80\x80 \xf5\x80\x80\x80 \xfe\xfe too large",
    "é".encode()[:1] + "é".encode(),
    b"\xff\xff\xff",
    b"e\xcc\x81\x81\xcc",
]


@pytest.fixture(scope="module")
def model():
    pairs = [(left, right) for left in LINES for right in LINES]
    return Tokenizer.train(pairs, vocab_size=450).source_model


@pytest.fixture(scope="module")
def library(model):
    return sentencepiece.SentencePieceProcessor(model_proto=model)


@pytest.fixture(scope="module")
def twin(model):
    return GraphTokenizer(model)


def other_model(*lines, **settings):
    """A model that the library learns with settings that `Tokenizer` never uses."""
    received = bytearray()
    settings = {"byte_fallback": True, "normalization_rule_name": "nmt_nfkc"} | settings
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines or LINES),
        model_writer=type("Writer", (), {"write": received.extend})(),
        vocab_size=400,
        hard_vocab_limit=False,
        pad_id=0,
        unk_id=1,
        bos_id=2,
        eos_id=3,
        minloglevel=2,
        **settings,
    )
    return bytes(received)


def assert_equal(twin, library, texts):
    """Ids and decoded texts are the library's, for texts or bytes."""
    expected = [ids + [EOS_ID] for ids in library.encode(texts)]
    width = max(map(len, expected))
    padded = [ids + [PAD_ID] * (width - len(ids)) for ids in expected]
    encoded = twin.encode(tf.constant(texts))
    assert encoded.dtype == tf.int32
    for text, ids, expected_ids in zip(
        texts, encoded.numpy().tolist(), padded, strict=True
    ):
        assert ids == expected_ids, text
    decoded = [text.decode() for text in twin.decode(encoded).numpy()]
    assert decoded == [library.decode(ids) for ids in expected]


@pytest.mark.parametrize("texts", [LINES, EDGES, MALFORMED])
def test_ids_and_texts_are_the_librarys(twin, library, texts):
    assert_equal(twin, library, texts)


def test_batch_mates_change_nothing(twin, library):
    for text in [*LINES, *EDGES, *MALFORMED]:
        assert_equal(twin, library, [text])


def test_twin_is_the_python_tokenizer(twin, model):
    tokenizer = Tokenizer(model)
    ids = twin.encode(tf.constant(LINES))
    rows = [[token_id for token_id in row if token_id] for row in ids.numpy().tolist()]
    assert rows == tokenizer.encode_source(LINES)
    texts = [text.decode() for text in twin.decode(ids).numpy()]
    assert texts == tokenizer.decode_source(ids.numpy())


@pytest.mark.parametrize("blank", ["", "  ", "\t\n", "\u200b", "\x01", "\u2581"])
def test_blank_text_is_the_end_token(twin, blank):
    assert twin.encode(tf.constant([blank])).numpy().tolist() == [[EOS_ID]]


def test_no_texts_give_no_rows(twin):
    ids = twin.encode(tf.constant([], tf.string))
    assert ids.shape[0] == 0
    assert twin.decode(ids).shape == (0,)
    assert twin.decode(tf.zeros([2, 0], tf.int32)).numpy().tolist() == [b"", b""]


def test_long_text(twin, library):
    text = ("".join(LINES) * 50)[:10_000]
    assert len(text) == 10_000
    assert_equal(twin, library, [text, "short", "가" * 3_000])


def test_every_character_of_the_basic_plane(twin, library):
    characters = [chr(i) for i in range(0x10000) if not 0xD800 <= i < 0xE000]
    texts = [
        "".join(
            f"{character}\u0301x{character}\u3099" for character in characters[i::256]
        )
        for i in range(256)
    ]
    assert_equal(twin, library, texts)


@pytest.mark.parametrize("seed", range(3))
def test_random_text_and_random_bytes(twin, library, seed):
    chance = random.Random(seed)
    pool = [*"".join(LINES + EDGES), *EDGES, " ", "  ", "***", "--"]
    texts = []
    for _ in range(200):
        size = chance.randrange(1, 30)
        texts.append("".join(chance.choices(pool, k=size)).encode())
        texts.append("".join(map(chr, chance.choices(range(0xD800), k=size))).encode())
        spoilt = bytearray("".join(chance.choices(pool, k=size)).encode() or b"a")
        for _ in range(3):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        texts.append(bytes(spoilt))
        texts.append(bytes(chance.choices(range(256), k=size)))
    assert_equal(twin, library, texts)


@pytest.mark.parametrize("seed", range(2))
def test_random_ids_are_decoded_as_the_library_does(twin, library, seed):
    chance = random.Random(seed)
    space = library.piece_to_id("▁")
    spelt = [library.piece_to_id(f"<0x{value:02X}>") for value in "▁é😀 ".encode()]
    texts = library.get_piece_size()
    pool = [0, 1, 2, space, *spelt, *spelt, *chance.choices(range(4, 260), k=9)]
    rows = [
        [*chance.choices(pool, k=20), *chance.choices(range(4, texts), k=10)]
        for _ in range(300)
    ]
    for row in rows:
        chance.shuffle(row)
    decoded = [text.decode() for text in twin.decode(tf.constant(rows)).numpy()]
    assert decoded == [library.decode(row) for row in rows]


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
    ],
    ids=str,
)
def test_other_unigram_models_are_followed_too(settings):
    model = other_model(**settings)
    library = sentencepiece.SentencePieceProcessor(model_proto=model)
    assert_equal(GraphTokenizer(model), library, LINES + EDGES + ["<ko> <ko>a"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"treat_whitespace_as_suffix": True}, "treat_whitespace_as_suffix=True"),
        ({"model_type": "word"}, "unigram, bpe or char.*Received: model_type=word"),
    ],
)
def test_what_would_differ_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        GraphTokenizer(other_model(**settings))


@pytest.mark.parametrize("serialized", [b"", b"no model"])
def test_what_is_no_model_is_refused(serialized):
    with pytest.raises(ValueError, match="SentencePiece model.*Received: "):
        GraphTokenizer(serialized)


def test_an_unused_piece_is_not_found_in_text(model, library):
    used = max(library.encode(LINES[0], out_type=str), key=len)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    piece = proto.pieces[library.piece_to_id(used)]
    piece.type = sentencepiece_model_pb2.ModelProto.SentencePiece.UNUSED
    changed = proto.SerializeToString()
    library = sentencepiece.SentencePieceProcessor(model_proto=changed)
    assert used not in library.encode(LINES[0], out_type=str)
    assert_equal(GraphTokenizer(changed), library, LINES)
