"""A shortlist changes only which tokens may be generated."""

import numpy as np
import pytest
from keras import ops

import tf_transformer as tt
from tests.importers.lexical_shortlist import ShortlistedModel as MaskedModel
from tf_transformer.inference.search import search
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.inference.shortlist import LexicalShortlist, ShortlistedModel

VOCAB_SIZE, TARGET_VOCAB_SIZE = 23, 31
SOURCE_IDS = np.array([[7, 5, 22, 3, 0], [9, 7, 14, 11, 3]])


@pytest.fixture
def model():
    model = tt.Transformer(
        VOCAB_SIZE,
        target_vocab_size=TARGET_VOCAB_SIZE,
        num_layers=1,
        d_model=12,
        num_heads=3,
        d_ff=17,
        max_length=9,
        output_bias=True,
    )
    generator = np.random.default_rng(6)
    model.set_weights(
        [w + 0.5 * generator.standard_normal(w.shape) for w in model.get_weights()]
    )
    return model


@pytest.fixture
def shortlist():
    generator = np.random.default_rng(2)
    likely = generator.integers(4, TARGET_VOCAB_SIZE, (VOCAB_SIZE, 2))
    likely[5, 1] = 0  # this token has one likely translation only
    return LexicalShortlist(np.array([3, 6], "int32"), likely.astype("int32"))


def allowed(shortlist):
    """Which tokens each of the sentences may have, in plain Python."""
    found = np.zeros((len(SOURCE_IDS), TARGET_VOCAB_SIZE), bool)
    for row, ids in zip(found, SOURCE_IDS, strict=True):
        row[shortlist.frequent] = True
        for token in ids:
            row[shortlist.likely[token]] = True
    assert found.sum(1).min() > 5 and found.sum(1).max() < TARGET_VOCAB_SIZE - 5
    return found


def test_logits_are_the_models_or_impossible(model, shortlist):
    short = ShortlistedModel(model, *shortlist)
    starts = [
        m.start(m.encode(SOURCE_IDS, training=False), 4, 3) for m in (model, short)
    ]
    is_allowed = np.repeat(allowed(shortlist), 3, axis=0)
    for token_ids in ([2] * 6, [4, 5, 6, 7, 8, 9]):
        (expected, starts[0]), (found, starts[1]) = (
            m.step(ops.convert_to_tensor(token_ids), state)
            for m, state in zip((model, short), starts, strict=True)
        )
        expected = np.where(is_allowed, ops.convert_to_numpy(expected), -1e9)
        np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("beam_size", [1, 4])
def test_search_is_that_of_a_model_without_the_other_tokens(
    model, shortlist, beam_size
):
    settings = SearchSettings(beam_size=beam_size)
    masked = MaskedModel(model, allowed(shortlist))
    if beam_size > 1:
        masked.penalties = ops.repeat(masked.penalties, beam_size, axis=0)
    expected, free, found = (
        search(m, SOURCE_IDS, settings)
        for m in (masked, model, ShortlistedModel(model, *shortlist))
    )
    ids = ops.convert_to_numpy(found["token_ids"])
    np.testing.assert_array_equal(ids, expected["token_ids"])
    np.testing.assert_allclose(found["log_probs"], expected["log_probs"], atol=1e-4)
    assert (ids != ops.convert_to_numpy(free["token_ids"])).any()


def test_a_file_comes_back(shortlist, tmp_path):
    shortlist.save(tmp_path / "a.npz")
    for one, other in zip(
        LexicalShortlist.load(tmp_path / "a.npz"), shortlist, strict=True
    ):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


def test_a_quantized_embedding_is_refused(model, shortlist):
    model.target_embedding.quantize("int8")
    with pytest.raises(ValueError, match="Expected floats.*int8"):
        ShortlistedModel(model, *shortlist)
