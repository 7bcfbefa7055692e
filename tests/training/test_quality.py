"""Scores are sacreBLEU's on plain text; exact matches count whole sentences."""

import pytest

from tf_transformer.training.quality import score_translations

# tokens: the cat sat on the mat . / the cat sat on a mat .
HYPOTHESIS, REFERENCE = "the cat sat on the mat.", "the cat sat on a mat."
# 6 of 7 words, 4 of 6 pairs, 2 of 5 triples, 1 of 4 quadruples are in the reference
BY_HAND = 100 * (6 / 7 * 4 / 6 * 2 / 5 * 1 / 4) ** (1 / 4)


def test_bleu_by_hand_with_the_full_stop_as_a_word_of_its_own():
    scores = score_translations([HYPOTHESIS], [REFERENCE])
    assert scores["bleu"] == pytest.approx(BY_HAND, abs=0.005)


def test_short_translations_pay_the_brevity_penalty():
    # all four n-grams of the hypothesis are right; 4 tokens instead of 7
    scores = score_translations(["the cat sat on"], [REFERENCE])
    assert scores["bleu"] == pytest.approx(100 * 2.718281828 ** (1 - 7 / 4), abs=0.005)


def test_corpus_score_sums_counts_and_is_no_mean_of_sentences():
    pairs = [(HYPOTHESIS, REFERENCE), ("a b c d e f g h", "a b c d e f g h")]
    scores = score_translations(*zip(*pairs, strict=True))
    pooled = 100 * (14 / 15 * 11 / 13 * 8 / 11 * 6 / 9) ** (1 / 4)
    assert scores["bleu"] == pytest.approx(pooled, abs=0.005)
    assert abs(pooled - (BY_HAND + 100) / 2) > 4


def test_letter_case_counts_and_the_signature_says_so():
    scores = score_translations([HYPOTHESIS.upper()], [HYPOTHESIS])
    assert scores["bleu"] < 10
    for part in ("nrefs:1", "case:mixed", "tok:13a"):
        assert part in scores["bleu_signature"].split("|")


def test_another_tokenizer_gives_another_score_under_another_signature():
    by_words = score_translations([HYPOTHESIS], [REFERENCE])
    by_characters = score_translations([HYPOTHESIS], [REFERENCE], tokenize="char")
    assert by_characters["bleu"] > by_words["bleu"] + 10
    assert "tok:char" in by_characters["bleu_signature"].split("|")


def test_exact_counts_whole_sentences_not_words():
    references = ["a b c d", "e f g h", "i j k l", "m n o p"]
    hypotheses = ["a b c d", "e f g x", "i j k l", "m n o p "]
    scores = score_translations(hypotheses, references)
    assert (scores["exact"], scores["sentences"]) == (0.5, 4)


@pytest.mark.parametrize("references", [["a"], []])
def test_sentences_without_partner_are_an_error(references):
    with pytest.raises(ValueError, match=rf"2 translations, {len(references)} ref"):
        score_translations(["a", "b"], references)


def test_no_sentence_at_all_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        score_translations([], [])
