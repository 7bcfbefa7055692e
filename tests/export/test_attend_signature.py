"""The signature `attend` returns the pieces and weights of the Python model."""

import numpy as np
import pytest
import tensorflow as tf

from tests.export.toy_export import BEAM_SIZE, TEXTS
from tf_transformer.analysis.maps import attention_maps
from tf_transformer.analysis.saved_maps import attention_maps_of_saved_model

pytestmark = pytest.mark.needs_tensorflow

WITH_WORDS = [text for text in TEXTS if text.strip()]


@pytest.fixture(scope="module")
def found(saved):
    outputs = saved.signatures["attend"](text=tf.constant(TEXTS))
    return {name: tensor.numpy() for name, tensor in outputs.items()}


def test_pieces_are_those_of_sentencepiece(translator, saved, found):
    sources = translator.tokenizer.source_pieces(TEXTS)
    best = [row[0] for row in translator.nbest(TEXTS, beam_size=BEAM_SIZE)]
    targets = translator.tokenizer.target_pieces_of([row.token_ids for row in best])
    for name, expected in (("source", sources), ("target", targets)):
        for row, pieces in zip(found[name], expected, strict=True):
            assert [piece.decode() for piece in row[: len(pieces)]] == list(pieces)
            assert not any(row[len(pieces) :])
        assert found[name].shape[1] == max(map(len, expected))


def test_weights_are_those_of_the_model_in_python(translator, exported):
    saved_maps = attention_maps_of_saved_model(exported, WITH_WORDS)
    maps = attention_maps(translator, WITH_WORDS, beam_size=BEAM_SIZE)
    for one, other in zip(saved_maps, maps, strict=True):
        assert (one.source, one.target, one.read) == (
            other.source,
            other.target,
            other.read,
        )
        for kind in ("encoder", "decoder", "cross"):
            np.testing.assert_allclose(
                one.weights(kind), other.weights(kind), atol=1e-5
            )
            np.testing.assert_allclose(one.weights(kind).sum(axis=-1), 1, atol=1e-5)


def test_blank_text_writes_nothing_and_has_no_weights(found):
    blank = TEXTS.index("")
    assert not any(found["target"][blank])
    assert not found["decoder"][blank].any()
