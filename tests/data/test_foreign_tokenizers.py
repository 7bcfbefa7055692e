"""Tokenizers with other special ids or methods than the package's are refused."""

import re
from types import SimpleNamespace

import pytest

from tf_transformer.data.batching import Batches
from tf_transformer.data.streaming import StreamedBatches
from tf_transformer.inference.translator import Translator

PAIRS = [("one", "two"), ("three four", "five six seven")]


def tokenizer(sources, targets):
    return SimpleNamespace(
        encode_source=lambda texts: sources, encode_target=lambda texts: targets
    )


@pytest.mark.parametrize("kind", [Batches, StreamedBatches])
@pytest.mark.parametrize(
    "wrong",
    [
        [5, 6, 7],  # no end token
        [0, 8, 2],  # Hugging Face's: start 0, end 2
        [5, 0, 3],  # padding inside
        [5, 3, 3],
        [5, 3, 6, 3],
    ],
    ids=str,
)
@pytest.mark.parametrize("side", [0, 1])
def test_other_special_ids_are_refused(kind, wrong, side):
    rows = [[5, 9, 3], [6, 3]], [[7, 3], [8, 4, 3]]
    assert sum(1 for _ in kind(PAIRS, tokenizer(*rows), batch_tokens=20)) == 1
    rows[side][1] = wrong
    message = f"end token 3 last and only there.*Received: {re.escape(str(wrong))}"
    with pytest.raises(ValueError, match=message):
        list(kind(PAIRS, tokenizer(*rows), batch_tokens=20))


def test_an_object_without_the_methods_is_named():
    foreign = SimpleNamespace(encode=lambda text: [5, 3], vocab_size=9)
    message = "methods encode_source and encode_target.*Received: SimpleNamespace"
    with pytest.raises(TypeError, match=message):
        Batches(PAIRS, foreign)
    with pytest.raises(TypeError, match=message):
        Translator(None, foreign)
