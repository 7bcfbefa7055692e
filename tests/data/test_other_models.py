"""SentencePiece models from elsewhere. Run: pytest tests/data/test_other_models.py"""

import io

import pytest
import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from tf_transformer.data.sentencepiece_model import with_package_ids
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID, UNK_ID

LINES = [
    "The student reads a book.",
    "학생이 책을 읽는다.",
    "A student wrote a letter to the teacher.",
    "학생이 선생님께 편지를 썼다.",
]
DEFAULT_IDS = {}  # spm_train's: unk 0, bos 1, eos 2, no pad
T5_IDS = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
OTHER_IDS = {"pad_id": 9, "unk_id": 5, "bos_id": 0, "eos_id": 3}
LAYOUTS = [
    DEFAULT_IDS,
    T5_IDS,
    OTHER_IDS,
    {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1},
    {"unk_id": 2, "bos_id": 0, "eos_id": 1, "eos_piece": "[SEP]", "unk_piece": "[UNK]"},
    {"user_defined_symbols": ["<pad>", "<2de>"], "control_symbols": ["<mask>"]},
    {"byte_fallback": False, **T5_IDS},
]


def train_model(**settings):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES),
        model_writer=model,
        vocab_size=320,
        hard_vocab_limit=False,
        minloglevel=2,
        **{"byte_fallback": True, **settings},
    )
    return model.getvalue()


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_special_ids_become_ours_and_text_stays_the_same(layout, model_type):
    model = train_model(model_type=model_type, **layout)
    library = sentencepiece.SentencePieceProcessor(model_proto=model)
    tokenizer = Tokenizer(model)
    ours = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.source_model)
    found = ours.pad_id(), ours.unk_id(), ours.bos_id(), ours.eos_id()
    assert found == (PAD_ID, UNK_ID, BOS_ID, EOS_ID)
    ids = [library.pad_id(), library.unk_id(), library.bos_id(), library.eos_id()]
    num_missing = sum(token_id < 0 for token_id in ids)
    assert tokenizer.vocab_size == library.get_piece_size() + num_missing
    others = [i for i in range(library.get_piece_size()) if i not in ids]
    assert tokenizer.source_vocabulary()[4:] == library.id_to_piece(others)
    texts = [*LINES, "<2de> a cat ☃ 🎉", "<s> </s> <unk> <pad> <mask>", "  Ａ… "]
    expected = library.encode(texts)
    pieces = [library.id_to_piece(row) for row in expected]
    assert [row[:-1] for row in tokenizer.target_pieces(texts)] == pieces
    rows = tokenizer.encode_source(texts)
    assert all(row[-1] == EOS_ID for row in rows)
    assert tokenizer.decode_target(rows) == library.decode(expected)
    # ours already: nothing is changed
    assert with_package_ids(tokenizer.source_model) == tokenizer.source_model


def test_the_tokenizer_of_a_changed_model_is_saved_and_loaded(tmp_path):
    tokenizer = Tokenizer(train_model(), train_model(model_type="bpe", **T5_IDS))
    assert tokenizer.target_vocab_size is not None
    tokenizer.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert loaded.encode_source(LINES) == tokenizer.encode_source(LINES)
    assert loaded.encode_target(LINES) == tokenizer.encode_target(LINES)
    assert loaded.target_vocabulary() == tokenizer.target_vocabulary()


def test_files_of_spm_train_are_read(tmp_path):
    source, target = tmp_path / "spm.model", tmp_path / "bpe.model"
    source.write_bytes(train_model())
    target.write_bytes(train_model(model_type="bpe"))
    one = Tokenizer.from_files(source)
    assert one.target_vocab_size is None
    two = Tokenizer.from_files(str(source), target)
    assert two.target_vocab_size == two._target.get_piece_size()
    with pytest.raises(FileNotFoundError):
        Tokenizer.from_files(tmp_path / "none.model")
    (tmp_path / "spm.vocab").write_text("<unk>\t0\n")
    with pytest.raises(ValueError, match="spm.vocab cannot be used.*Received: 8 bytes"):
        Tokenizer.from_files(tmp_path / "spm.vocab")


@pytest.mark.parametrize("wrong", ["tokenizer.model", None, 3])
def test_a_model_is_bytes(wrong):
    with pytest.raises(ValueError, match="Expected bytes; Tokenizer.from_files.*Rec"):
        Tokenizer(wrong)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "word"}, "unigram, bpe or char. Received: model_type=word"),
        ({"treat_whitespace_as_suffix": True}, "treat_whitespace_as_suffix=True"),
    ],
)
def test_models_that_a_graph_cannot_follow_are_refused_at_once(settings, message):
    model = train_model(**{"byte_fallback": False, **settings})
    with pytest.raises(ValueError, match=message):
        Tokenizer(model)


def test_denormalization_is_refused_at_once():
    proto = sentencepiece_model_pb2.ModelProto.FromString(train_model())
    charsmap = proto.normalizer_spec.precompiled_charsmap
    proto.denormalizer_spec.precompiled_charsmap = charsmap
    with pytest.raises(ValueError, match="Received: denormalization rules"):
        Tokenizer(proto.SerializeToString())
