"""A tokenizer and a translator that no test changes."""

import pytest

from tests.inference.small_translator import PAIRS, random_model
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.inference.translator import Translator


@pytest.fixture(scope="session")
def tokenizer():
    return Tokenizer.train(PAIRS, vocab_size=310)


@pytest.fixture(scope="session")
def translator(tokenizer):
    """One for all tests that do not change it: compiled searches are kept."""
    return Translator(random_model(tokenizer), tokenizer)
