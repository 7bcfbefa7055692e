"""Imported vocabularies read and write text as `MarianTokenizer` does."""

import json

import numpy as np
import pytest
import sentencepiece

from tests.data.test_other_models import train_model
from tests.importers.hugging_face_folders import (
    LANGUAGES,
    TARGET_LINES,
    TEXTS,
    train_pieces,
    write_vocabularies,
)
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from tf_transformer.importers.vocabulary import (
    NO_LOGIT,
    Special,
    from_sentencepiece,
    from_separate_pieces,
    from_shared_pieces,
)

# of MarianTokenizer
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses"),
]
FORMS = {
    "unigram": {},
    "bpe": {"model_type": "bpe"},
    "source with bytes": {"byte_fallback": True, "vocab_size": 350},
    "identity": {"normalization_rule_name": "identity", "add_dummy_prefix": True},
    "separate": {"separate": True},
    "separate bpe": {"separate": True, "model_type": "bpe"},
}


FULL = {"identity", "separate bpe", "source with bytes"}


@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.full] if name in FULL else [])
        for name in FORMS
    ]
)
def folder(request, tmp_path):
    write_vocabularies(tmp_path, **FORMS[request.param])
    return tmp_path


def read(folder):
    names = ["vocab.json", "target_vocab.json"]
    tables = [
        json.loads((folder / n).read_text()) for n in names if (folder / n).exists()
    ]
    models = [(folder / name).read_bytes() for name in ("source.spm", "target.spm")]
    make = from_shared_pieces if len(tables) == 1 else from_separate_pieces
    return make(*tables, *models, Special())


def library(folder):
    transformers = pytest.importorskip(
        "transformers", reason="pip install 'tf_transformer[marian-tests]'"
    )
    return transformers.MarianTokenizer(
        source_spm=str(folder / "source.spm"),
        target_spm=str(folder / "target.spm"),
        vocab=str(folder / "vocab.json"),
        target_vocab_file=str(folder / "target_vocab.json"),
        separate_vocabs=(folder / "target_vocab.json").exists(),
    )


def rows_of(rows, texts_ids):
    return [rows.rows[ids].tolist() for ids in texts_ids]


def test_sources_are_read_as_by_the_library(folder):
    found, reference = read(folder), library(folder)
    texts = [*TEXTS, f"{LANGUAGES[0]} {TEXTS[0]}", f"{LANGUAGES[1]} a dog"]
    ours = found.tokenizer.encode_source(texts)
    expected = [reference(text)["input_ids"] for text in texts]
    assert rows_of(found.source, ours) == expected
    num_unknown = sum(row.count(1) for row in expected)
    assert num_unknown > 3
    [ids] = ours[-1:]
    assert found.source.rows[ids[0]] == reference.encoder[LANGUAGES[1]]


def test_targets_are_read_as_by_the_library(folder):
    found, reference = read(folder), library(folder)
    words = " ".join(TARGET_LINES).split()
    texts = [*TARGET_LINES, *words, "Ein Park ☃ und", ""]
    expected = reference(text_target=texts)["input_ids"]
    ours = found.tokenizer.encode_target(texts)
    assert rows_of(found.target, ours) == expected
    unknown = reference.unk_token_id
    known = [i for i, row in enumerate(expected) if unknown not in row]
    assert len(known) > 5
    for i in known:
        assert found.tokenizer.decode_target([ours[i]]) == [texts[i]]


def test_every_token_is_generated_as_by_the_library(folder):
    found, reference = read(folder), library(folder)
    table = reference.decoder
    generated = np.flatnonzero(found.target.is_generated)
    our_ids = generated[generated > EOS_ID].tolist()
    assert our_ids
    for our_id in our_ids:
        [ours] = found.tokenizer.decode_target([[our_id, EOS_ID]])
        expected = table[found.target.rows[our_id]]
        assert ours == expected.replace("▁", " ").strip()


def test_characters_unknown_to_a_side_are_found_in_the_vocabulary(tmp_path):
    """In a run of them the library finds one unknown token, we find each."""
    write_vocabularies(tmp_path)
    found, reference = read(tmp_path), library(tmp_path)
    assert reference.spm_source.piece_to_id("ü") == 0
    space, umlaut = reference.encoder["▁"], reference.encoder["ü"]
    ours = found.tokenizer.encode_source([" ü", "a üü"])
    assert found.source.rows[ours[0]].tolist() == [space, umlaut, 0]
    assert found.source.rows[ours[1]].tolist()[-3:] == [umlaut, umlaut, 0]
    assert reference("a üü")["input_ids"][-2:] == [1, 0]


def test_rows_and_biases(folder):
    table = json.loads((folder / "vocab.json").read_text())
    pad = table["<pad>"]
    assert pad == 2 or pad == len(table) - 1
    for rows in read(folder)[1:]:
        matrix = np.arange(rows.count * 3, dtype="float32").reshape(rows.count, 3) + 1
        embedding, bias = rows.embedding(matrix), rows.bias(matrix[:, 0])
        assert embedding.dtype == bias.dtype == np.float32
        assert not embedding[BOS_ID].any()
        assert bias[BOS_ID] == NO_LOGIT
        for our_id in (PAD_ID, UNK_ID, EOS_ID):
            row = {PAD_ID: pad, UNK_ID: 1, EOS_ID: 0}[our_id]
            np.testing.assert_array_equal(embedding[our_id], matrix[row])
            assert bias[our_id] == matrix[row, 0]
        # each row is written by exactly one of our tokens
        assert sorted(rows.rows[rows.is_generated]) == list(range(rows.count))
        extra = ~rows.is_generated & (np.arange(len(bias)) > EOS_ID)
        assert extra.any()
        assert (embedding[extra] == matrix[1]).all()
        assert (bias[extra] == NO_LOGIT).all()


@pytest.mark.needs_tensorflow
def test_the_graph_reads_and_writes_the_same(folder):
    import tensorflow as tf

    from tf_transformer.export.graph_tokenizer.tokenizer import GraphTokenizer

    tokenizer = read(folder).tokenizer
    texts = [*TEXTS, f"{LANGUAGES[0]} {TEXTS[0]}", f" a {LANGUAGES[1]}b ▁>>deu<<"]
    for model, encode in (
        (tokenizer.source_model, tokenizer.encode_source),
        (tokenizer.target_model, tokenizer.encode_target),
    ):
        graph = GraphTokenizer(model)
        found = graph.encode(tf.constant(texts)).numpy()
        assert [row[row > 0].tolist() for row in found] == encode(texts)
    ids = [[i, EOS_ID] for i in range(4, len(tokenizer.target_vocabulary()))]
    graph = GraphTokenizer(tokenizer.target_model)
    found = [text.decode() for text in graph.decode(tf.constant(ids)).numpy()]
    assert found == tokenizer.decode_target(ids)


def test_the_tokenizer_is_saved_and_loaded(folder, tmp_path):
    tokenizer = read(folder).tokenizer
    tokenizer.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert loaded.encode_source(TEXTS) == tokenizer.encode_source(TEXTS)
    assert loaded.encode_target(TARGET_LINES) == tokenizer.encode_target(TARGET_LINES)
    assert loaded.target_vocab_size == tokenizer.target_vocab_size


@pytest.mark.parametrize(
    "special", [{}, {"unk_id": 1, "eos_id": 0, "bos_id": -1}, {"pad_id": 9}], ids=str
)
def test_rows_of_a_sentencepiece_model_are_its_ids(special):
    model = train_model(**special)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    found = from_sentencepiece(model, None)
    size = processor.get_piece_size()
    assert found.source.count == size
    ours = found.tokenizer.source_vocabulary()
    for our_id, row in enumerate(found.source.rows):
        if row < 0:
            assert our_id in (PAD_ID, BOS_ID)
        else:
            assert processor.id_to_piece(int(row)) == ours[our_id]
    assert sorted(found.source.rows[found.source.is_generated]) == list(range(size))
    assert found.source.rows[EOS_ID] == processor.eos_id()
    texts = ["The student reads a book.", "학생이 책을 읽는다. ☃"]
    expected = [[*ids, processor.eos_id()] for ids in processor.encode(texts)]
    assert rows_of(found.source, found.tokenizer.encode_source(texts)) == expected


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ({"</s>": 0, "<unk>": 2, "<pad>": 3}, "Expected the ids 0 to 2, each once"),
        ({"</s>": 0, "<unk>": 0, "<pad>": 1}, "Expected the ids 0 to 2, each once"),
        ({"</s>": 0, "unk": 1, "<pad>": 2}, "Expected the piece '<unk>'"),
        ({"</s>": "0", "<unk>": 1, "<pad>": 2}, "Expected the ids 0 to 2"),
    ],
)
def test_a_wrong_vocabulary_is_refused(pieces, message):
    model = train_pieces(TARGET_LINES)
    with pytest.raises(ValueError, match=message):
        from_shared_pieces(pieces, model, model, Special())
