"""Text to ids and back. Run: pytest tests/data/test_tokenizer.py"""

import subprocess
import sys

import pytest
import sentencepiece

from tests.data.sentence_pairs import PAIRS
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID, UNK_ID


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


def test_rare_characters_are_pieces_and_very_rare_ones_are_bytes():
    """Of the running text, 1 character in 10,000 may be left out."""
    text = "ab " * 2_000
    rare = Tokenizer.train([(f"{text}雪", "a")], vocab_size=300)
    assert "雪" in "".join(rare.source_vocabulary())
    very_rare = Tokenizer.train([(text, f"{text}雪")], vocab_size=300)
    assert "雪" not in "".join(very_rare.source_vocabulary())
    assert very_rare.decode_source(very_rare.encode_source(["a雪"])) == ["a雪"]


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


def test_no_tensorflow_is_needed():
    code = (
        "import sys, tf_transformer.data.tokenizer;"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
