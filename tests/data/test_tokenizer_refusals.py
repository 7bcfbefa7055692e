"""What a tokenizer cannot learn from, encode or decode is refused."""

import re

import numpy as np
import pytest

from tests.data.sentence_pairs import PAIRS
from tf_transformer.data.corpus import Corpus
from tf_transformer.data.tokenizer import Tokenizer


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
        [{"source": "a", "target": "b"}],
    ]
    + [[("a", "b\ud800")]],
)
def test_training_refuses_what_is_not_pairs(pairs):
    with pytest.raises(ValueError, match=r"Expected \(source, target\).*Received: "):
        Tokenizer.train(pairs)


def test_a_corpus_instead_of_its_split_is_refused_in_one_line():
    corpus = Corpus({"train": PAIRS * 1000}, name="large")
    with pytest.raises(ValueError, match=r"Received: Corpus\(name='large'\)$"):
        Tokenizer.train(corpus)


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
    with pytest.raises(ValueError, match="Ids are decoded in lists.*Received: 5 as"):
        tokenizer.decode_target([5, 6])


@pytest.mark.parametrize("wrong", [-100, 10**6, 2**40, 5.0, "5", None])
def test_what_is_no_id_of_the_vocabulary_is_not_decoded(tokenizer, wrong):
    last = tokenizer.vocab_size - 1
    message = f"ids from 0 to {last} .*Received: {re.escape(repr([6, wrong]))}"
    with pytest.raises(ValueError, match=message):
        tokenizer.decode_target([[5], [6, wrong]])
    with pytest.raises(ValueError, match=message):
        tokenizer.target_pieces_of([[5], [6, wrong]])
    text = tokenizer.decode_target([[6]])
    assert tokenizer.decode_target(np.array([[6, 3, -100]])) == text  # after the end


def test_bytes_are_utf_8(tokenizer):
    """As in files: SentencePiece itself would replace other bytes."""
    expected = tokenizer.encode_source(["나는 book"])
    assert tokenizer.encode_source(["나는 book".encode()]) == expected
    for encode in (tokenizer.encode_source, tokenizer.encode_target):
        with pytest.raises(ValueError, match=r"not UTF-8.*Received: b'caf\\xe9'"):
            encode(["fine", b"caf\xe9"])


def test_the_folder_of_a_tokenizer_is_no_model_file(tmp_path):
    with pytest.raises(ValueError, match="Tokenizer.load .*Received: the folder .*"):
        Tokenizer.from_files(tmp_path)


@pytest.mark.parametrize("wrong", [None, 3, "\ud800"])
def test_values_that_are_not_text_are_refused(tokenizer, wrong):
    with pytest.raises(ValueError, match="A text cannot be read"):
        tokenizer.encode_target(["fine", wrong])
