"""Translations begin with the prefixes asked for."""

import pytest

from tests.inference.small_translator import (
    EVERY_SEARCH,
    MAX_LENGTH,
    PAIRS,
    TEXTS,
    assert_same,
    score_by_reference,
)

PREFIXES = ["동물이", None, "나는 길을", "", "we", "그녀는 밤에"]


@pytest.mark.long
@EVERY_SEARCH
def test_translations_begin_with_their_prefixes(translator, tokenizer, settings):
    found = translator.nbest(TEXTS, PREFIXES, **settings)
    alone = translator.nbest(TEXTS[2:3], PREFIXES[2:3], **settings)
    assert_same(alone, found[2:3])
    texts = [prefix or "" for prefix in PREFIXES]
    rows = [tuple(row[:-1]) for row in tokenizer.encode_target(texts)]
    free = translator.nbest(TEXTS, **settings)
    for i, (text, prefix, row) in enumerate(zip(TEXTS, rows, found, strict=True)):
        if not text.strip():
            assert row[0].token_ids == ()
            continue
        if not PREFIXES[i]:
            assert_same([row], free[i : i + 1])
        for best in row:
            assert best.token_ids[: len(prefix)] == prefix
            assert best.text.startswith(PREFIXES[i] or "")
            expected = score_by_reference(translator, text, best.token_ids)
            assert best.score == pytest.approx(expected, rel=1e-4)


@pytest.mark.long
def test_spaces_at_the_end_of_a_prefix_change_nothing(translator):
    for blank in ("나는 길을", " "):
        found = translator.nbest(TEXTS[2:3], [f"{blank}  "], beam_size=2)
        expected = translator.nbest(TEXTS[2:3], [blank.strip()], beam_size=2)
        assert_same(found, expected)


@pytest.mark.long
def test_a_whole_translation_as_prefix_has_its_score(translator, tokenizer):
    source, target = PAIRS[2]
    (row,) = tokenizer.encode_target([target])
    expected = translator.score([source], [target])
    for settings in ({"beam_size": 1}, {"beam_size": 2}, {"sample": True}):
        settings = {**settings, "max_length": len(row)}
        ((found, *_),) = translator.nbest([source], [target], **settings)
        assert found.token_ids == tuple(row)
        assert found.score == pytest.approx(expected[0], rel=1e-5)
        assert translator([source], [target], **settings) == [target]
        with pytest.raises(ValueError, match=f"too long.*fewer than {len(row) - 1} "):
            translator([source], [target], **{**settings, "max_length": len(row) - 1})


def test_refuses_prefixes_that_do_not_fit(translator):
    with pytest.raises(ValueError, match="Received: 2 texts, 1 prefixes"):
        translator(["a", "b"], ["c"])
    prefixes = [None, "동물이 " * 20]
    with pytest.raises(ValueError, match="too long.*prefix number 2"):
        translator(["we", "a book"], prefixes)
    with pytest.raises(ValueError, match="a list.*Received: 1 texts, a string"):
        translator(["a"], "c")


# longer than the limit of a blank text, 12 tokens, and than the model can write
@pytest.mark.moderate
@pytest.mark.parametrize("num_words", [5, MAX_LENGTH])
def test_a_blank_text_takes_any_prefix(translator, num_words):
    prefixes = ["동물이 " * num_words, "☃"]
    for (found,) in translator.nbest([" ", ""], prefixes, beam_size=1):
        assert (found.text, found.token_ids) == ("", ())
