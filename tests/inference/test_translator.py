"""Translation of text: independent of the batch, and within its limits."""

import numpy as np
import pytest
from keras import ops

from tests.inference.small_translator import (
    EVERY_SEARCH,
    MAX_LENGTH,
    PAIRS,
    SETTINGS,
    TEXTS,
    assert_same,
    random_model,
    set_random_weights,
)
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.inference.search import search
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.inference.translator import Translator, padded


@pytest.mark.long
@EVERY_SEARCH
def test_the_compiled_search_is_the_plain_search(translator, tokenizer, settings):
    found = translator.nbest(TEXTS, **settings)
    assert len({row[0].token_ids for row in found if row[0].text}) >= 3
    rows = padded(tokenizer.encode_source(TEXTS), MAX_LENGTH)
    plain = search(translator.model, ops.array(rows), SearchSettings(**settings))
    for row, ids, scores in zip(
        found,
        *(np.array(plain[name]) for name in ("token_ids", "log_probs")),
        strict=True,
    ):
        expected = [tuple(one[one != 0].tolist()) for one in ids]
        assert [best.token_ids for best in row] == expected
        np.testing.assert_allclose([best.score for best in row], scores, rtol=1e-5)
        assert [best.text for best in row] == tokenizer.decode_target(expected)


@pytest.mark.long
@EVERY_SEARCH
def test_other_rows_and_padding_change_nothing(translator, settings):
    together = translator.nbest(TEXTS, **settings)
    long = "she reads a long book at night and was tired"
    for i, text in enumerate(TEXTS):
        assert_same(translator.nbest([text], **settings), together[i : i + 1])
        assert_same(translator.nbest([long, text], **settings)[1:], together[i : i + 1])


@pytest.mark.long
@pytest.mark.parametrize("settings", SETTINGS[1:], ids=["beam", "sample"])
def test_the_order_of_texts_is_the_order_of_translations(
    translator, tokenizer, settings
):
    expected = translator.nbest(TEXTS, **settings)
    in_fours = Translator(translator.model, tokenizer, batch_size=4)
    assert_same(in_fours.nbest(TEXTS[::-1], **settings)[::-1], expected)
    texts = [best.text for best, *_ in expected]
    assert translator(TEXTS, **settings) == texts
    assert translator([], **settings) == []


@pytest.mark.moderate
@EVERY_SEARCH
def test_blank_text_has_the_empty_translation(translator, settings):
    for row in translator.nbest(["", " \t", "\u3000"], **settings):
        assert (row[0].text, row[0].score, row[0].token_ids) == ("", 0.0, ())
    assert translator.score(["", " \t"], ["", ""]) == [0.0, 0.0]
    assert max(translator.score(["", TEXTS[0]], [TEXTS[0], ""])) < 0


@pytest.mark.long
def test_new_weights_are_used_at_once(translator, tokenizer):
    model = random_model(tokenizer)
    own = Translator(model, tokenizer)
    before = own.nbest(TEXTS, beam_size=1), own.score(TEXTS[:1], ["나는"])
    assert_same(before[0], translator.nbest(TEXTS, beam_size=1))
    set_random_weights(model, seed=9)
    after = own.nbest(TEXTS, beam_size=1), own.score(TEXTS[:1], ["나는"])
    fresh = Translator(model, tokenizer)
    assert_same(after[0], fresh.nbest(TEXTS, beam_size=1))
    assert after[1] == fresh.score(TEXTS[:1], ["나는"]) != before[1]
    assert after[0][0][0].score != pytest.approx(before[0][0][0].score)


def test_refuses_texts_that_are_too_long_and_names_them(translator):
    texts = ["a book", "a book " * MAX_LENGTH, "we"]
    with pytest.raises(ValueError, match=rf"max_length={MAX_LENGTH}.*text number 2"):
        translator(texts)
    with pytest.raises(ValueError, match="in translation number 2"):
        translator.score(["a", "b", "c"], texts)
    with pytest.raises(ValueError, match="Received: 2 texts, 1 translations"):
        translator.score(["a", "b"], ["c"])


def test_refuses_one_string(translator):
    with pytest.raises(ValueError, match="list of texts"):
        translator("I am a student")


def test_refuses_the_tokenizer_of_another_model(translator):
    other = Tokenizer.train(PAIRS, vocab_size=306)
    with pytest.raises(ValueError, match="made for another tokenizer.*306"):
        Translator(translator.model, other)
    separate = Tokenizer.train(PAIRS, vocab_size=310, shared=False)
    with pytest.raises(ValueError, match="made for another tokenizer"):
        Translator(translator.model, separate)


@pytest.mark.moderate
def test_a_seed_gives_its_samples_and_needs_no_new_program(translator):
    settings = SETTINGS[2]
    first = translator.nbest(TEXTS, **settings)
    programs = dict(translator._search_models)
    other = translator.nbest(TEXTS, **{**settings, "seed": 7})
    assert translator._search_models == programs
    assert_same(translator.nbest(TEXTS, **settings), first)
    for one, another, text in zip(first, other, TEXTS, strict=True):
        if text.strip():
            assert one[0] != one[1]
            assert [best.token_ids for best in one] != [
                best.token_ids for best in another
            ]


@pytest.mark.moderate
def test_lengths_stay_within_the_limits_asked_for(translator):
    (row,) = translator.nbest(["a book"], beam_size=1, min_length=6, max_length=7)
    assert 6 <= len(row[0].token_ids) <= 7
    assert row[0].token_ids[-1] == 3


@pytest.mark.moderate
def test_shortest_translation_is_never_longer_than_the_model_can_write(translator):
    (found,) = translator.nbest(["a book"], beam_size=1, min_length=MAX_LENGTH + 9)
    assert len(found[0].token_ids) == MAX_LENGTH


def test_fits_tells_which_texts_are_short_enough(translator):
    assert translator.fits(["a book", "", "book " * MAX_LENGTH]) == [True, True, False]


def longest_text(translator):
    """A text as long as the model can read."""
    texts = ["a" + " we" * i for i in range(60)]
    lengths = [len(row) for row in translator.tokenizer.encode_source(texts)]
    return texts[lengths.index(MAX_LENGTH)]


def test_a_text_as_long_as_the_limit_fits(translator):
    text = longest_text(translator)
    assert translator.fits([text, text + " we"]) == [True, False]


@pytest.mark.moderate
def test_a_text_as_long_as_the_limit_is_scored(translator):
    text = longest_text(translator)
    assert translator.score([text], [text])[0] < 0
    with pytest.raises(ValueError, match="in text number 1"):
        translator.score([text + " we"], ["we"])
