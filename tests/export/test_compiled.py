"""The compiled search equals the other search, with few compiled programs."""

import numpy as np
import pytest
import tensorflow as tf

from tests.export.toy_export import BEAM_SIZE, TEXTS
from tests.fast import FAST
from tf_transformer.export import compiled
from tf_transformer.export.saved_model import ServableTranslator
from tf_transformer.inference.settings import SearchSettings


def check_same(translate, translate_compiled, texts):
    """Strings are the same, scores to rounding, and a text alone gets its answer."""
    texts = tf.constant(texts, tf.string)
    expected, found = translate(text=texts), translate_compiled(text=texts)
    assert found["translation"].numpy().tolist() == (
        expected["translation"].numpy().tolist()
    )
    np.testing.assert_allclose(found["score"], expected["score"], rtol=1e-5, atol=1e-5)
    return found["translation"].numpy().tolist()


def test_beam_search_of_the_export_is_the_same(saved):
    signatures = saved.signatures
    pair = signatures["translate"], signatures["translate_compiled"]
    found = check_same(*pair, TEXTS)
    assert len(set(found)) > 2
    # the same program: 5 to 8 rows, and other lengths below its size
    check_same(*pair, [*TEXTS[::-1], "the old birds", "새들이"])


def test_the_search_alone_takes_ids(exported, translator):
    tokenizer = translator.tokenizer
    rows = tokenizer.encode_source(TEXTS)
    ids = tf.ragged.constant(rows, tf.int32).to_tensor()
    loaded = tf.saved_model.load(str(exported))  # its variables live as long as it
    found = loaded.search_compiled(ids)
    best = [row[row != 0].tolist() for row in found["token_ids"][:, 0].numpy()]
    expected = [best for best, *_ in translator.nbest(TEXTS, beam_size=BEAM_SIZE)]
    assert tokenizer.decode_target(best) == [one.text for one in expected]
    scores = [one.score for one in expected]
    np.testing.assert_allclose(found["log_probs"][:, 0], scores, atol=1e-4)


@pytest.mark.slow
def test_greedy_search_is_the_same(translator):
    check_search(translator, SearchSettings(beam_size=1, max_length=19))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(
            {"beam_size": 2, "alpha": 0.0, "min_length": 7}, marks=pytest.mark.full
        ),
        pytest.param(
            {"beam_size": 3, "no_repeat_ngram_size": 2, "repetition_penalty": 1.3},
            marks=pytest.mark.full,
        ),
        {"sample": True, "top_k": 50, "temperature": 0.7, "seed": 4},
    ],
    ids=["min_length", "repetition", "sample"],
)
def test_other_searches_are_the_same(translator, settings):
    check_search(translator, SearchSettings(**settings))


def check_search(translator, settings):
    servable = ServableTranslator(translator, settings, {})
    texts = [*TEXTS[:3], TEXTS[4]]
    found = check_same(servable.translate, servable.translate_compiled, texts)
    assert len(set(found)) > 2


@pytest.mark.slow
def test_every_size_gives_the_same(saved):
    pair = saved.signatures["translate"], saved.signatures["translate_compiled"]
    texts = ("a", "I am a student", "the old mat " * 4)
    for count in (0, 3) if FAST else (0, 1, 2, 3):
        for text in texts[2:] if FAST else texts:
            check_same(*pair, [text + " birds" * i for i in range(count)])


@pytest.mark.parametrize(
    ("max_length", "expected"),
    [
        (7, [7]),
        (8, [8]),
        (9, [8, 9]),
        (64, [8, 16, 24, 32, 48, 64]),
        (65, [8, 16, 24, 32, 48, 64, 65]),
    ],
)
def test_lengths_grow_by_half_up_to_the_models(max_length, expected):
    assert compiled.length_sizes(max_length) == expected


def test_next_size_is_the_smallest_that_holds_the_number():
    sizes = [3, 7, 20]
    for number in range(21):
        expected = min(size for size in sizes if size >= number)
        assert compiled.next_size(sizes, tf.constant(number)) == expected


def test_xla_sees_few_shapes_and_padding_is_cut_off(monkeypatch):
    class Model:
        max_length = 50

    def printed_shape(model, source_ids, settings):
        # the shape that XLA compiles for, and its padding
        shape = tf.shape(source_ids)
        real = tf.reduce_sum(tf.cast(source_ids != 0, tf.int32), axis=1)
        return {"shape": tf.repeat(shape[None], shape[0], axis=0), "real": real}

    monkeypatch.setattr(compiled, "search", printed_shape)
    run = compiled.compiled_search(Model(), SearchSettings())
    for batch_size, length, expected in [
        (0, 1, [1, 8]),
        (1, 1, [1, 8]),
        (2, 16, [2, 16]),
        (3, 17, [4, 24]),
        (4, 32, [4, 32]),
        (5, 49, [8, 50]),
        (33, 50, [64, 50]),
    ]:
        found = run(tf.fill([batch_size, length], 9))
        assert found["shape"].shape == (batch_size, 2)
        assert found["shape"].numpy().tolist() == [expected] * batch_size
        assert found["real"].numpy().tolist() == [length] * batch_size
