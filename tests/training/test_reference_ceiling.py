"""The highest scores that a tokenizer allows."""

import pytest
import sacrebleu

from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.training.reference_ceiling import reference_ceiling

REFERENCES = [
    "the cat sat on the mat, and slept",
    "wait… the dog ran to the park",
    "两  spaces here！ and there",
    "birds fly over the old house",
]


def tokenizer(**settings):
    pairs = [("a", reference) for reference in REFERENCES]
    return Tokenizer.train(pairs, vocab_size=340, **settings)


def test_unchanged_references_have_no_ceiling():
    assert reference_ceiling(tokenizer(), REFERENCES) is None
    assert reference_ceiling(tokenizer(), []) is None


def test_changed_references_are_counted_with_the_bleu_that_remains():
    changing = tokenizer(
        target_normalization="nmt_nfkc", target_remove_extra_whitespaces=True
    )
    ceiling = reference_ceiling(changing, REFERENCES)
    decoded = [*REFERENCES]
    decoded[1] = "wait... the dog ran to the park"
    decoded[2] = "两 spaces here! and there"
    assert (ceiling.num_changed, ceiling.num_references) == (2, 4)
    assert ceiling.first == (REFERENCES[1], decoded[1])
    assert ceiling.exact == 0.5
    expected = sacrebleu.corpus_bleu(decoded, [REFERENCES]).score
    assert ceiling.bleu == pytest.approx(expected, abs=0.01)
    assert ceiling.bleu < 95
    assert ceiling.message == (
        "The tokenizer changes 2 of 4 validation references, the first "
        f"{REFERENCES[1]!r} to {decoded[1]!r}: no model can score above BLEU "
        f"{ceiling.bleu:.2f} and 50.0% exact."
    )
