"""The exported graph of a model with an SSRU and Marian's options."""

import pytest
import tensorflow as tf

from tests.export.test_compiled import check_same
from tests.export.toy_export import TEXTS, make_translator, save_signatures
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.layers import SSRUDecoder

MARIAN = {
    **{"num_encoder_layers": 3, "num_decoder_layers": 1, "decoder": SSRUDecoder},
    **{"positions": "marian", "output_bias": True, "start_id": None},
}


@pytest.mark.slow
def test_graph_gives_the_strings_of_the_translator(tmp_path):
    translator = make_translator(**MARIAN)
    settings = SearchSettings(beam_size=3)
    save_signatures(translator, settings, tmp_path, "translate_compiled", "attend")
    signatures = tf.saved_model.load(str(tmp_path)).signatures
    pair = signatures["translate"], signatures["translate_compiled"]
    found = check_same(*pair, TEXTS)
    expected = translator(TEXTS, beam_size=3)
    assert [text.decode() for text in found] == expected
    assert len(set(expected)) > 2
    maps = signatures["attend"](text=tf.constant(TEXTS[:1]))
    kinds = {
        kind: maps[kind].shape[1] for kind in maps if kind not in ("source", "target")
    }
    assert kinds == {"encoder": 3, "cross": 1}
