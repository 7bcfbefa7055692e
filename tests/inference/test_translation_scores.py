"""Scores of translations are those of the paper."""

import numpy as np
import pytest

from tests.inference.small_translator import (
    EVERY_SEARCH,
    PAIRS,
    SETTINGS,
    TEXTS,
    random_model,
    score_by_reference,
)
from tf_transformer.inference.translator import Translator


@pytest.mark.moderate
@EVERY_SEARCH
def test_scores_are_those_of_the_paper(translator, settings):
    for text, row in zip(TEXTS, translator.nbest(TEXTS, **settings), strict=True):
        for best in row if text.strip() else []:
            expected = score_by_reference(translator, text, best.token_ids)
            assert best.score == pytest.approx(expected, rel=1e-4)


@pytest.mark.long
def test_given_translations_are_scored_by_the_paper(translator, tokenizer):
    sources, targets = zip(*PAIRS, ("a book", ""), strict=True)
    found = translator.score(sources, targets)
    rows = tokenizer.encode_target(targets)
    assert len({len(row) for row in rows}) > 2
    for text, ids, score in zip(sources, rows, found, strict=True):
        expected = score_by_reference(translator, text, ids)
        assert score == pytest.approx(expected, rel=1e-4)
    alone = [
        translator.score([x], [y])[0] for x, y in zip(sources, targets, strict=True)
    ]
    np.testing.assert_allclose(alone, found, rtol=1e-5)


@pytest.mark.moderate
def test_token_scores_are_those_of_the_paper(translator, tokenizer):
    sources, targets = zip(*PAIRS, ("a book", ""), strict=True)
    found = translator.score_tokens(sources, targets)
    rows = tokenizer.encode_target(targets)
    pieces = tokenizer.target_pieces(targets)
    for text, ids, names, tokens in zip(sources, rows, pieces, found, strict=True):
        assert [token.piece for token in tokens] == names
        sums = np.cumsum([token.log_prob for token in tokens])
        expected = [
            score_by_reference(translator, text, ids[: i + 1]) for i in range(len(ids))
        ]
        np.testing.assert_allclose(sums, expected, rtol=1e-4)
    totals = [sum(token.log_prob for token in tokens) for tokens in found]
    assert totals == translator.score(sources, targets)


class NumberTokenizer:
    """Ids are written as numbers, so that no text has two spellings."""

    vocab_size, target_vocab_size = 23, None

    def encode_source(self, texts):
        return [[*map(int, text.split()), 3] for text in texts]

    encode_target = encode_source

    def target_pieces_of(self, rows):
        return [[str(i) for i in row] for row in rows]

    def decode_target(self, rows):
        return [" ".join(str(i) for i in row if i != 3) for row in rows]


@pytest.mark.long
def test_scoring_a_translation_gives_the_score_of_the_search():
    tokenizer = NumberTokenizer()
    translator = Translator(random_model(tokenizer, seed=4), tokenizer, batch_size=3)
    texts = ["5 9 17", "22 4 4 8 15", "6", "19 20 21 7 8 9 10 11 12"]
    found = translator.nbest(texts, **SETTINGS[1])
    pairs = [
        (text, best) for text, row in zip(texts, found, strict=True) for best in row
    ]
    assert len({best.text for _, best in pairs}) >= 6
    scores = translator.score([x for x, _ in pairs], [best.text for _, best in pairs])
    np.testing.assert_allclose(scores, [best.score for _, best in pairs], rtol=1e-4)
