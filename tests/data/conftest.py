"""Two tokenizers of the same pairs: a shared vocabulary, and one for each side."""

import pytest

from tests.data.sentence_pairs import PAIRS
from tf_transformer.data.tokenizer import Tokenizer


@pytest.fixture(scope="session")
def tokenizer():
    return Tokenizer.train(PAIRS, vocab_size=360)


@pytest.fixture(scope="session")
def two_sided():
    return Tokenizer.train(PAIRS, vocab_size=330, shared=False)
