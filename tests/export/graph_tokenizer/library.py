"""Texts, models and the comparison of the graph's tokenizer with the library."""

import io
import random

import sentencepiece
import tensorflow as tf

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


def train_model(*lines, **settings):
    """A model that the library trains with any of its settings."""
    model = io.BytesIO()
    settings = {
        "byte_fallback": True,
        "normalization_rule_name": "nmt_nfkc",
        **{"pad_id": 0, "unk_id": 1, "bos_id": 2, "eos_id": 3},
    } | settings
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines or LINES),
        model_writer=model,
        vocab_size=400,
        hard_vocab_limit=False,
        minloglevel=2,
        **settings,
    )
    return model.getvalue()


def random_texts(seed, count, symbols=()):
    """Texts of known and unknown characters and of random bytes."""
    chance = random.Random(seed)
    pool = [*"".join(LINES + EDGES), *EDGES, " ", "  ", "***", "--", *symbols, *symbols]
    texts = []
    for _ in range(count):
        size = chance.randrange(1, 30)
        texts.append("".join(chance.choices(pool, k=size)).encode())
        texts.append("".join(map(chr, chance.choices(range(0xD800), k=size))).encode())
        spoilt = bytearray("".join(chance.choices(pool, k=size)).encode() or b"a")
        for _ in range(3):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        texts.append(bytes(spoilt))
        texts.append(bytes(chance.choices(range(256), k=size)))
    return texts


def random_ids(seed, library, symbols=()):
    """Rows of special ids, spaces, bytes that spell characters, and pieces."""
    chance = random.Random(seed)
    special = [*library.piece_to_id([*symbols, "▁"]), 0, 1, 2]
    if library.is_byte(library.piece_to_id("<0x41>")):
        special += [library.piece_to_id(f"<0x{i:02X}>") for i in "▁é😀▁é😀 ".encode()]
    ids = list(range(4, library.get_piece_size()))
    rows = [
        [*chance.choices(special, k=20), *chance.choices(ids, k=15)] for _ in range(300)
    ]
    for row in rows:
        chance.shuffle(row)
    return rows


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


def assert_decodes_equal(twin, library, rows):
    """Texts of ids are the library's."""
    decoded = [text.decode() for text in twin.decode(tf.constant(rows)).numpy()]
    assert decoded == [library.decode(row) for row in rows]
