"""Normalization and symbols of each side of a tokenizer."""

import pytest

from tests.data.sentence_pairs import PAIRS
from tf_transformer.data.tokenizer import Tokenizer

SPELLINGS = [
    "别动！ 你好，吗？",
    "สำหรับ ทำ",
    "می‌خواهم क्‍ष",
    "wait… Foo™ ½ ﬁn e\u0301 한국어 ガ",
    " leading, trailing ",
    "two  spaces\tand\nlines\r\n",
    "\u00a0 \u3000 \u200b \ufeff \0 \x01 \x7f \ufffd",
    "  ",
    "<s> </s> <unk> <pad> <0x41>",
    "😀👨‍👩‍👧🇰🇷",
]


def test_targets_keep_their_spelling_and_sources_are_normalized():
    pairs = [("a", "别动！ สำหรับ می‌خواهم")] * 30
    for shared in (True, False):
        trained = Tokenizer.train(pairs, vocab_size=330, shared=shared)
        assert (trained.target_vocab_size is None) == shared
        assert trained.decode_target(trained.encode_target(["别动！"])) == ["别动！"]
        assert trained.decode_target(trained.encode_target(SPELLINGS)) == SPELLINGS
        # every character of the basic plane but SentencePiece's space, U+2581
        texts = [
            "".join(map(chr, range(start, start + 128)))
            for start in (*range(0, 0xD800, 128), *range(0xE000, 0x10000, 128))
        ]
        texts = [text.replace("\u2581", "") for text in texts]
        assert trained.decode_target(trained.encode_target(texts)) == texts
        composed, decomposed = trained.encode_source(["\u00e9", "e\u0301"])
        assert composed == decomposed
        wide, plain = trained.encode_source(["  别动！\n", "别动!"])
        assert wide == plain


def test_a_shared_vocabulary_with_two_normalizations_has_one_set_of_pieces(tokenizer):
    assert tokenizer.target_vocab_size is None
    assert tokenizer.target_model != tokenizer.source_model
    assert tokenizer.target_vocabulary() == tokenizer.source_vocabulary()
    source, target = PAIRS[0]
    assert tokenizer.encode_target([source]) == tokenizer.encode_source([source])
    same = {"target_normalization": "nmt_nfkc", "target_remove_extra_whitespaces": True}
    alike = Tokenizer.train(PAIRS, vocab_size=360, **same)
    assert alike.target_model is None
    # these texts are normalized already
    assert alike.source_model == tokenizer.source_model
    with pytest.raises(ValueError, match="do not share.*of the target"):
        small = Tokenizer.train([("a", "b")], vocab_size=270, shared=False)
        Tokenizer(tokenizer.source_model, small.source_model, shared=True)


@pytest.mark.parametrize(
    ("rule", "remove", "expected"),
    [
        ("identity", False, "Ａ…  É\n"),
        ("identity", True, "Ａ… É\n"),
        ("nfkc", True, "A... É\n"),
        ("nmt_nfkc", False, "A...  É "),
        ("nmt_nfkc", True, "A... É"),
        ("nfkc_cf", True, "a... é\n"),
        ("nmt_nfkc_cf", True, "a... é"),
    ],
)
def test_each_side_has_its_normalization(rule, remove, expected):
    for side in ("source", "target"):
        options = {
            f"{side}_normalization": rule,
            f"{side}_remove_extra_whitespaces": remove,
        }
        trained = Tokenizer.train(PAIRS, vocab_size=360, **options)
        encode = getattr(trained, f"encode_{side}")
        decode = getattr(trained, f"decode_{side}")
        assert decode(encode(["Ａ…  E\u0301\n".replace("E\u0301", "É")])) == [expected]


def test_user_defined_symbols_have_one_id_and_are_not_normalized():
    symbols = ["<2de>", "<ｘ>", "__URL__"]
    pairs = [(f"<2de> {source}", target) for source, target in PAIRS]
    for shared in (True, False):
        trained = Tokenizer.train(
            pairs, vocab_size=380, shared=shared, user_defined_symbols=symbols
        )
        text = "<2de> Ｔｗｏ<ｘ><ｘ> to __URL__."
        for ids in (trained.encode_source([text])[0], trained.encode_target([text])[0]):
            assert [ids.count(i) for i in (4, 5, 6)] == [1, 2, 1]
        assert trained.source_vocabulary()[4:7] == symbols
        assert trained.decode_target(trained.encode_target([text])) == [text]
        assert "<2de>" in trained.source_pieces([text])[0]
