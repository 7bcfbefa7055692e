"""Translation of text: independent of the batch, with correct scores."""

import numpy as np
import pytest
from keras import ops

from tests import reference
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.inference.search import search
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.inference.translator import Translator, padded
from tf_transformer.models import Transformer

PAIRS = [
    ("I am a student", "나는 학생이다"),
    ("the animal crossed the street", "동물이 길을 건넜다"),
    ("she reads a long book at night", "그녀는 밤에 긴 책을 읽는다"),
    ("we were tired", "우리는 피곤했다"),
]
TEXTS = [
    "the student reads",
    "",
    "I am tired and she was a long animal",
    "we crossed the street at night",
    "   ",
    "a book",
]
MAX_LENGTH, NUM_HEADS = 47, 3
SETTINGS = [
    {"beam_size": 1},
    {"beam_size": 3, "num_hypotheses": 2, "max_length": 9},
    {"sample": True, "num_hypotheses": 2, "temperature": 0.9, "top_k": 40, "seed": 6},
]
EVERY_SEARCH = pytest.mark.parametrize(
    "settings",
    [
        pytest.param(SETTINGS[0], id="greedy"),
        pytest.param(SETTINGS[1], id="beam"),
        pytest.param(SETTINGS[2], id="sample", marks=pytest.mark.long),
    ],
)


def random_model(tokenizer, seed=6):
    model = Transformer(
        tokenizer.vocab_size,
        num_layers=1,
        d_model=12,
        num_heads=NUM_HEADS,
        d_ff=17,
        max_length=MAX_LENGTH,
    )
    set_random_weights(model, seed)
    return model


def set_random_weights(model, seed):
    """Large kernels, small biases: the output depends on the input."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        is_offset = weight.path.endswith(("bias", "beta"))
        noise = random.normal(scale=0.1 if is_offset else 0.8, size=weight.shape)
        weight.assign(noise)


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train(PAIRS, vocab_size=310)


@pytest.fixture(scope="module")
def translator(tokenizer):
    """One for all tests that do not change it: compiled searches are kept."""
    return Translator(random_model(tokenizer), tokenizer)


def assert_same(found, expected):
    """The same ids and text, and scores as near as float32 makes them."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert [best.token_ids for best in one] == [best.token_ids for best in other]
        assert [best.text for best in one] == [best.text for best in other]
        np.testing.assert_allclose(
            [best.score for best in one], [best.score for best in other], rtol=1e-5
        )


def score_by_reference(translator, text, token_ids):
    """ln P of the tokens by the paper in NumPy."""
    (source,) = translator.tokenizer.encode_source([text])
    weights = reference.weights_of(translator.model)
    target = [2, *token_ids[:-1]]
    logits = reference.sentence_logits(weights, source, target, NUM_HEADS)
    return -sum(
        reference.smoothed_cross_entropy(label, row, 0.0)
        for label, row in zip(token_ids, logits, strict=True)
    )


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


@pytest.mark.moderate
@EVERY_SEARCH
def test_blank_text_has_the_empty_translation(translator, settings):
    for row in translator.nbest(["", " \t", "\u3000"], **settings):
        assert (row[0].text, row[0].score, row[0].token_ids) == ("", 0.0, ())


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
