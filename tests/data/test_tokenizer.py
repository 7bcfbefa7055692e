"""Text to ids and back. Run: pytest tests/data/test_tokenizer.py"""

import subprocess
import sys

import pytest
import sentencepiece

from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID, UNK_ID

PAIRS = [
    ("The student reads a book.", "학생이 책을 읽는다."),
    ("The teacher reads two books.", "선생님이 책 두 권을 읽는다."),
    ("A student wrote a letter to the teacher.", "학생이 선생님께 편지를 썼다."),
    ("The letter was too long.", "편지가 너무 길었다."),
]


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train(PAIRS, vocab_size=360)


@pytest.fixture(scope="module")
def two_sided():
    return Tokenizer.train(PAIRS, vocab_size=330, shared=False)


def test_special_ids_are_what_the_model_expects(tokenizer):
    library = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.source_model)
    found = library.pad_id(), library.unk_id(), library.bos_id(), library.eos_id()
    assert found == (PAD_ID, UNK_ID, BOS_ID, EOS_ID) == (0, 1, 2, 3)


def test_text_comes_back(tokenizer, two_sided):
    for source, target in PAIRS:
        for each in (tokenizer, two_sided):
            assert each.decode_source(each.encode_source([source])) == [source]
            assert each.decode_target(each.encode_target([target])) == [target]


def test_every_text_ends_once(tokenizer):
    for ids in tokenizer.encode_source([source for source, _ in PAIRS]):
        assert ids.index(EOS_ID) == len(ids) - 1
        assert not {PAD_ID, UNK_ID, BOS_ID} & set(ids)


@pytest.mark.parametrize("blank", ["", " ", "\t \n", "\u3000", "\u200b"])
def test_blank_source_is_the_end_token(tokenizer, blank):
    assert tokenizer.encode_source([blank]) == [[EOS_ID]]
    assert tokenizer.encode_target([""]) == [[EOS_ID]]
    assert tokenizer.decode_target([[EOS_ID]]) == [""]


def test_no_texts_give_no_ids(tokenizer):
    assert tokenizer.encode_source([]) == []
    assert tokenizer.decode_target([]) == []


def test_unseen_characters_come_back_through_bytes(tokenizer):
    text = "☃ snow 🎉 雪"
    ids = tokenizer.encode_source([text])
    assert UNK_ID not in ids[0]
    assert tokenizer.decode_source(ids) == [text]
    assert "<0xE2>" in tokenizer.source_pieces([text])[0]


def test_compatible_forms_are_one(tokenizer):
    plain, wide = tokenizer.encode_source(["The book", " Ｔｈｅ  book\t"])
    assert plain == wide


def test_decoding_stops_at_the_first_end_and_skips_padding(tokenizer):
    ids = tokenizer.encode_target([PAIRS[0][1]])[0]
    assert tokenizer.decode_target([[BOS_ID, *ids, *ids, PAD_ID]]) == [PAIRS[0][1]]


def test_pieces_stand_for_the_ids(tokenizer, two_sided):
    for source, target in PAIRS:
        pieces = tokenizer.source_pieces([source])[0]
        assert len(pieces) == len(tokenizer.encode_source([source])[0])
        assert "".join(pieces) == "▁" + source.replace(" ", "▁") + "</s>"
        pieces = two_sided.target_pieces([target])[0]
        assert "".join(pieces) == "▁" + target.replace(" ", "▁") + "</s>"


def test_size_is_the_true_one(tokenizer):
    large = Tokenizer.train(PAIRS, vocab_size=8000)
    for each in (tokenizer, large):
        assert each.target_vocab_size is None
        processor = sentencepiece.SentencePieceProcessor(model_proto=each.source_model)
        assert each.vocab_size == processor.get_piece_size() < 8000


def test_sides_have_their_own_vocabulary(two_sided):
    assert two_sided.vocab_size != two_sided.target_vocab_size
    _, target = PAIRS[0]
    # the source's vocabulary knows no Korean: three bytes each
    assert len(two_sided.encode_source([target])[0]) > len(
        two_sided.encode_target([target])[0]
    )


def test_training_is_repeatable(tokenizer):
    again = Tokenizer.train(iter(PAIRS), vocab_size=360)
    assert again.source_model == tokenizer.source_model


def test_long_lines_are_learnt_from(tokenizer):
    long_line = "zebra " * 2_000
    assert tokenizer.source_pieces(["zebra"])[0] != ["▁zebra", "</s>"]
    tokenizer = Tokenizer.train([(long_line, "a")], vocab_size=300)
    assert tokenizer.source_pieces(["zebra"]) == [["▁zebra", "</s>"]]


@pytest.mark.parametrize("name", ["tokenizer", "two_sided"])
def test_saved_is_loaded(request, name, tmp_path):
    tokenizer = request.getfixturevalue(name)
    tokenizer.save(tmp_path / "new")
    loaded = Tokenizer.load(tmp_path / "new")
    assert loaded.source_model == tokenizer.source_model
    assert loaded.target_model == tokenizer.target_model


def test_saving_replaces_a_tokenizer_of_the_other_kind(tokenizer, two_sided, tmp_path):
    one_model = Tokenizer(tokenizer.source_model)
    for each, files in (
        (tokenizer, {"tokenizer.model", "tokenizer.target.model"}),
        (two_sided, {"source.model", "target.model"}),
        (tokenizer, {"tokenizer.model", "tokenizer.target.model"}),
        (one_model, {"tokenizer.model"}),
    ):
        each.save(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == files
        loaded = Tokenizer.load(tmp_path)
        assert loaded.target_vocab_size == each.target_vocab_size
        assert loaded.target_model == each.target_model


def test_loading_names_what_is_missing(tokenizer, two_sided, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"Received: {tmp_path}"):
        Tokenizer.load(tmp_path)
    two_sided.save(tmp_path)
    (tmp_path / "target.model").unlink()
    with pytest.raises(FileNotFoundError, match="source.model and target.model"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no vocabulary"])
def test_loading_names_which_file_is_broken(two_sided, tmp_path, content):
    two_sided.save(tmp_path)
    (tmp_path / "target.model").write_bytes(content)
    with pytest.raises(ValueError, match=f"target.model.*Received: {len(content)} b"):
        Tokenizer.load(tmp_path)


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


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        ("<a>", "list of strings without spaces.*Received: '<a>'"),
        (5, "Received: 5"),
        (["a b"], "without spaces"),
        ([""], "without spaces"),
        ([3], "Received: .3."),
        (["<s>"], "none of <pad>, <unk>, <s>, </s>"),
        (["x", "x"], "no duplicates"),
    ],
)
def test_symbols_that_cannot_be_used_are_refused(symbols, message):
    with pytest.raises(ValueError, match=message):
        Tokenizer.train(PAIRS, vocab_size=400, user_defined_symbols=symbols)


@pytest.mark.parametrize(
    "pairs",
    [
        "ab",
        ["ab"],
        ["a b"],
        [("a",)],
        [("a", "b", "c")],
        [1],
        5,
        [(1, "a")],
        [(b"a", "b")],
    ]
    + [[("a", "b\ud800")]],
)
def test_training_refuses_what_is_not_pairs(pairs):
    with pytest.raises(ValueError, match=r"Expected \(source, target\).*Received: "):
        Tokenizer.train(pairs)


def test_training_refuses_an_unknown_normalization():
    with pytest.raises(ValueError, match="nmt_nfkc, nfkc, .*Received: 'nfd'"):
        Tokenizer.train(PAIRS, target_normalization="nfd")


def test_training_refuses_what_it_cannot_learn_from():
    with pytest.raises(ValueError, match="no text.*Received: blank"):
        Tokenizer.train([])
    with pytest.raises(ValueError, match="no text.*Received: blank"):
        Tokenizer.train([("", " ")])
    with pytest.raises(ValueError, match="no text"):
        Tokenizer.train([("a", "")], vocab_size=300, shared=False)
    with pytest.raises(ValueError, match="Received: vocab_size=100"):
        Tokenizer.train(PAIRS, vocab_size=100)


def test_one_text_is_no_list_of_texts(tokenizer):
    with pytest.raises(ValueError, match="Received: one text, 'a book'"):
        tokenizer.encode_source("a book")
    with pytest.raises(ValueError, match="list of ids for each"):
        tokenizer.decode_target([5, 6])


@pytest.mark.parametrize("wrong", [None, 3, "\ud800"])
def test_values_that_are_not_text_are_refused(tokenizer, wrong):
    with pytest.raises(ValueError, match="A text cannot be read"):
        tokenizer.encode_target(["fine", wrong])


def test_no_tensorflow_is_needed():
    code = (
        "import sys, tf_transformer.data.tokenizer;"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
