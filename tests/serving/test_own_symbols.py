"""User-defined symbols stay one token from the request to the answer."""

import pytest

from tests.export.toy_export import BEAM_SIZE, PAIRS, make_translator
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.export.saved_model import export_saved_model
from tf_transformer.inference.settings import SearchSettings

pytestmark = [pytest.mark.slow, pytest.mark.full]

SYMBOLS = ("<2ko>", "<2de>", "⟦1⟧")


def test_symbols_of_ones_own_are_one_token_in_the_service(service, tmp_path):
    tokenizer = Tokenizer.train(PAIRS, vocab_size=330, user_defined_symbols=SYMBOLS)
    translator = make_translator(tokenizer=tokenizer)
    settings = SearchSettings(beam_size=BEAM_SIZE)
    export_saved_model(translator, tmp_path / "own" / "1", settings)
    texts = ["<2ko> a cat ran", "<2de> a cat ran", "a cat ran", "the⟦1⟧dog <2ko>"]
    expected = translator(texts, beam_size=BEAM_SIZE)
    assert len(set(expected)) > 2
    with service(tmp_path) as client:
        path = "/v1/models/own:predict"
        answer = client.post(path, json={"instances": texts})
        found = [row["translation"] for row in answer.json()["predictions"]]
        assert found == expected
        body = {"signature_name": "attend", "inputs": texts[-1:]}
        [pieces] = client.post(path, json=body).json()["outputs"]["source"]
    assert [piece for piece in pieces if piece in SYMBOLS] == ["⟦1⟧", "<2ko>"]
