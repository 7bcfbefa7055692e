"""Maps of texts: the model's own weights without padding, and words from pieces."""

import dataclasses
import re

import numpy as np
import pytest

from tests.analysis.small_maps import (
    MAX_LENGTH,
    PAIRS,
    TEXTS,
    TRANSLATIONS,
    random_maps,
    small_translator,
)
from tf_transformer.analysis.alignment import alignment_error_rates
from tf_transformer.analysis.antecedents import antecedent_scores
from tf_transformer.analysis.heads import head_statistics
from tf_transformer.analysis.html_page import page
from tf_transformer.analysis.maps import (
    KINDS,
    AttentionMaps,
    attention_maps,
    cut,
    list_of_maps,
)
from tf_transformer.analysis.words import text_of, word_starts, words
from tf_transformer.inference.translator import Translator
from tf_transformer.models import RecurrentSeq2Seq


@pytest.fixture(scope="module")
def teacher_forced():
    return attention_maps(small_translator(), TEXTS, TRANSLATIONS)


def alone(source_ids, labels):
    """One sentence by itself, without any padding."""
    inputs = {
        "source_ids": np.array([source_ids]),
        "target_ids": np.array([[2, *labels[:-1]]]),
    }
    weights = small_translator().model.attend(inputs)
    return {kind: np.asarray(values)[0] for kind, values in weights.items()}


@pytest.mark.moderate
def test_maps_of_a_batch_are_those_of_each_pair_alone(teacher_forced):
    tokenizer = small_translator().tokenizer
    lengths = set()
    for maps, (source, target) in zip(teacher_forced, PAIRS, strict=True):
        expected = alone(
            tokenizer.encode_source([source])[0], tokenizer.encode_target([target])[0]
        )
        for kind in KINDS:
            assert maps.weights(kind).shape == expected[kind].shape
            np.testing.assert_allclose(maps.weights(kind), expected[kind], atol=1e-6)
        assert maps.source == tuple(tokenizer.source_pieces([source])[0])
        assert maps.target == tuple(tokenizer.target_pieces([target])[0])
        assert maps.read == ("<s>", *maps.target[:-1])
        lengths |= {len(maps.source), len(maps.target)}
    assert len(lengths) > 3  # or padding would not be seen


@pytest.mark.slow
def test_own_translations_are_forced_as_they_were_found():
    translator = small_translator()
    settings, texts = {"beam_size": 1, "max_length": 7}, TEXTS[:2]
    found = translator.nbest(texts, **settings)
    maps = attention_maps(translator, texts, **settings)
    for text_maps, (best, *_), text in zip(maps, found, texts, strict=True):
        pieces = translator.tokenizer.target_pieces_of([best.token_ids])[0]
        assert text_maps.target == tuple(pieces)
        ids = translator.tokenizer.encode_source([text])[0]
        expected = alone(ids, list(best.token_ids))["cross"]
        np.testing.assert_allclose(text_maps.cross, expected, atol=1e-6)


def test_a_translation_cut_before_its_end_has_words_too():
    pieces = ("\u2581a", "\u2581lo", "ng")
    weights = np.full((1, 1, 3, 3), 1 / 3)
    cut_short = AttentionMaps(
        pieces, pieces, ("<s>", *pieces[:-1]), weights, decoder=weights
    ).in_words()
    assert cut_short.target == ("a", "long")
    assert cut_short.read == ("<s>", "a", "lo")
    assert cut_short.decoder.shape == (1, 1, 2, 3)


def test_words_are_sums_over_keys_and_means_over_queries(teacher_forced):
    for maps in teacher_forced:
        word_maps = maps.in_words()
        tokens = {"source": maps.source, "target": maps.target, "read": maps.read}
        sides = {
            "encoder": ("source", "source"),
            "decoder": ("target", "read"),
            "cross": ("target", "source"),
        }
        for kind, (rows, columns) in sides.items():
            expected = pooled(maps.weights(kind), tokens[rows], tokens[columns])
            np.testing.assert_allclose(word_maps.weights(kind), expected, atol=1e-6)
            np.testing.assert_allclose(word_maps.weights(kind).sum(-1), 1, atol=1e-5)
            assert word_maps.weights(kind).shape[2:] == (
                len(word_maps.queries(kind)),
                len(word_maps.keys(kind)),
            )
    assert teacher_forced[0].in_words().source == (*TEXTS[0].split(), "</s>")
    assert teacher_forced[1].in_words().target == (*TRANSLATIONS[1].split(), "</s>")


def pooled(weights, rows, columns):
    """A slow reference: the word of every piece."""
    row_of, column_of = word_numbers(rows), word_numbers(columns)
    result = np.zeros((*weights.shape[:2], row_of[-1] + 1, column_of[-1] + 1))
    for i, row in enumerate(row_of):
        for j, column in enumerate(column_of):
            result[:, :, row, column] += weights[:, :, i, j] / row_of.count(row)
    return result


def word_numbers(pieces):
    numbers = []
    for piece in pieces:
        last = numbers[-1] if numbers else -1
        begins = piece.startswith("\u2581") or piece in ("<s>", "</s>") or last < 0
        numbers.append(last + begins)
    return numbers


def test_bytes_are_joined_to_characters_and_words():
    pieces = ["\u2581", *(f"<0x{byte:02X}>" for byte in "뷁".encode()), "이"]
    assert word_starts(pieces) == [0]
    assert text_of(pieces) == "뷁이"
    assert text_of(["<0xEB>", "<0xB7>"]) == "\ufffd"
    assert words(["<s>", "\u2581a", "</s>"]) == ["<s>", "a", "</s>"]
    # a translation may begin without a space, and an unknown piece is a word
    assert words(["<s>", "이", "다", "<unk>", "a"]) == ["<s>", "이다", "<unk>", "a"]
    assert words([]) == []
    # only what the vocabulary writes for a byte is one
    assert text_of(["<0xZZ>", "<0xea>"]) == "<0xZZ><0xea>"
    rare = attention_maps(small_translator(), ["a 뷁 b"], ["뷁"])[0]
    assert "<0xEB>" in rare.source
    assert rare.in_words().source == ("a", "뷁", "b", "</s>")
    assert rare.in_words().target == ("뷁", "</s>")


def recurrent_translator(score):
    tokenizer = small_translator().tokenizer
    model = RecurrentSeq2Seq(
        tokenizer.vocab_size, num_layers=2, d_model=10, score=score, max_length=53
    )
    return Translator(model, tokenizer, batch_size=2)


@pytest.mark.slow
def test_a_recurrent_model_has_cross_attention_alone():
    translator = recurrent_translator("dot")
    maps = attention_maps(translator, TEXTS, TRANSLATIONS)
    tokenizer = translator.tokenizer
    for text_maps, (source, target) in zip(maps, PAIRS, strict=True):
        assert (text_maps.num_layers, text_maps.num_heads) == (1, 1)
        assert text_maps.kinds == text_maps.in_words().kinds == ("cross",)
        labels = tokenizer.encode_target([target])[0]
        inputs = {
            "source_ids": np.array(tokenizer.encode_source([source])),
            "target_ids": np.array([[2, *labels[:-1]]]),
        }
        expected = np.asarray(translator.model.attend(inputs)["cross"])[0]
        np.testing.assert_allclose(text_maps.cross, expected, atol=1e-6)
    with pytest.raises(ValueError, match="Expected one of cross. Received: 'encoder'"):
        maps[0].weights("encoder")


def test_a_model_without_attention_is_refused():
    with pytest.raises(ValueError, match="no attention"):
        attention_maps(recurrent_translator(None), TEXTS, TRANSLATIONS)


def test_bad_requests_say_what_was_expected(teacher_forced):
    translator = small_translator()
    with pytest.raises(ValueError, match="3 texts, 1 translations"):
        attention_maps(translator, TEXTS, TRANSLATIONS[:1])
    with pytest.raises(ValueError, match="no search settings"):
        attention_maps(translator, TEXTS, TRANSLATIONS, beam_size=2)
    with pytest.raises(ValueError, match="nothing in text number 2"):
        attention_maps(translator, ["a", " "], ["b", "c"])
    with pytest.raises(ValueError, match="Expected texts with words"):
        attention_maps(translator, ["  "])
    for pair in (("a " * MAX_LENGTH, "b"), ("a", "b " * MAX_LENGTH)):
        with pytest.raises(ValueError, match=f"max_length={MAX_LENGTH}"):
            attention_maps(translator, [pair[0]], [pair[1]])
    longest = "a" + " a" * (MAX_LENGTH - 2)
    [maps] = attention_maps(translator, [longest], [longest])
    assert len(maps.source) == len(maps.target) == MAX_LENGTH
    with pytest.raises(ValueError, match="layer 1 to 2 and head 1 to 3"):
        teacher_forced[0].head("cross", layer=0, head=1)
    np.testing.assert_array_equal(
        teacher_forced[0].head("cross", layer=2, head=3), teacher_forced[0].cross[1, 2]
    )


def test_an_empty_translation_has_no_words():
    shapes = {"encoder": (3, 3), "decoder": (0, 0), "cross": (0, 3)}
    weights = {kind: np.ones((1, 2, *shape)) / 3 for kind, shape in shapes.items()}
    words = AttentionMaps(("▁sun", "▁mo", "on"), (), (), **weights).in_words()
    assert (words.source, words.target) == (("sun", "moon"), ())
    assert words.cross.shape == (1, 2, 0, 2)
    np.testing.assert_allclose(words.encoder[0, 0], [[1 / 3, 2 / 3]] * 2)
    batch = {kind: values[None] for kind, values in weights.items()}
    (maps,) = cut(batch, [["▁sun", "▁mo", "on"]], [[]])
    assert (maps.read, maps.decoder.shape) == ((), (1, 2, 0, 0))


def test_maps_of_words_stay_as_they_are(teacher_forced):
    for maps in teacher_forced:
        assert not maps.are_words
        word_maps = maps.in_words()
        assert word_maps.are_words
        assert word_maps.in_words() is word_maps
    maps = random_maps(5, 4)  # words that the user wrote
    assert maps.in_words() is maps


@pytest.mark.parametrize("kind", KINDS)
def test_weights_must_fit_the_tokens(kind):
    maps = random_maps(5, 4)
    maps = dataclasses.replace(maps, read=(*maps.read, "a", "b"), decoder=None)
    sizes = {"encoder": (5, 5), "decoder": (4, 6), "cross": (4, 5)}
    shapes = {"encoder": "S, S", "decoder": r"T, len\(read\)", "cross": "T, S"}
    rows, columns = sizes[kind]
    message = rf"{kind} of shape \(N, h, {shapes[kind]}\), with {rows} queries and "
    fitting = np.ones((2, 3, rows, columns))
    dataclasses.replace(maps, **{kind: fitting})
    for wrong in (fitting[0], fitting[..., 1:], fitting[:, :, 1:], fitting[None]):
        received = re.escape(str(wrong.shape))
        with pytest.raises(
            ValueError, match=f"{message}{columns} keys. Received: {received}"
        ):
            dataclasses.replace(maps, **{kind: wrong})
    if rows != columns:
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(maps, **{kind: np.swapaxes(fitting, 2, 3)})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(value):
    weights = random_maps(5, 4).encoder.copy()
    weights[1, 2, 3, 0] = value
    message = f"not finite.*Received: {value} in encoder, layer 2, head 3"
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(random_maps(5, 4), encoder=weights)


def test_a_list_of_maps_is_not_one_sentence():
    maps = random_maps(5, 4)
    assert list_of_maps(iter([maps])) == [maps]
    for function in (
        page,
        lambda maps: head_statistics(maps, "encoder"),
        lambda maps: alignment_error_rates(maps, []),
        lambda maps: antecedent_scores(maps, [], "cross"),
    ):
        with pytest.raises(ValueError, match="list of maps.*AttentionMaps without"):
            function(maps)
        with pytest.raises(ValueError, match=r"list of maps.*Received: \[\]"):
            function([])
