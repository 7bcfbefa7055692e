"""Weights move between backends: same logits, same translations."""

import json
import shutil

import numpy as np
import pytest

import tf_transformer as tt
from tests.backends.without_tensorflow import ARGUMENTS, BEAM_SIZE, MIN_LENGTH, TEXTS
from tests.document_blocks import python_blocks

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.slow]


@pytest.fixture
def translator(trained):
    tokenizer = tt.data.Tokenizer.load(trained)
    model = tt.Transformer(tokenizer.vocab_size, **ARGUMENTS)
    model.load_weights(trained / "trained.weights.h5")
    return tt.Translator(model, tokenizer)


@pytest.fixture
def found(trained):
    return json.loads((trained / "found.json").read_text(encoding="utf-8"))


def test_logits_are_equal(translator, trained):
    with np.load(trained / "logits.npz") as arrays:
        inputs = {name: arrays[name] for name in ("source_ids", "target_ids")}
        expected = arrays["logits"]
    logits = np.array(translator.model(inputs))
    real = inputs["target_ids"] != 0
    print("largest difference", np.abs(logits - expected)[real].max())
    np.testing.assert_allclose(logits[real], expected[real], atol=1e-5)
    assert np.abs(expected).max() > 0.5


def test_translations_and_scores_are_equal(translator, found):
    assert translator(TEXTS, beam_size=1, min_length=MIN_LENGTH) == found["greedy"]
    assert (
        translator(TEXTS, beam_size=BEAM_SIZE, min_length=MIN_LENGTH) == found["beams"]
    )
    scores = translator.score(TEXTS[:2], found["beams"][:2])
    np.testing.assert_allclose(scores, found["scores"], rtol=1e-4)


@pytest.mark.usefixtures("torch_in_full_only")
def test_tensorflow_exports_what_was_trained_elsewhere(translator, found, tmp_path):
    from tf_transformer.export.saved_model import export_saved_model
    from tf_transformer.export.saved_translator import SavedTranslator

    settings = tt.SearchSettings(beam_size=BEAM_SIZE, min_length=MIN_LENGTH)
    path = export_saved_model(translator, tmp_path / "1", settings)
    assert SavedTranslator(path)(TEXTS) == found["beams"]


@pytest.mark.full  # the test before exports the same weights
def test_documented_program_exports(trained, translator, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(trained / "trained.weights.h5", tmp_path)
    [program] = python_blocks("docs/backends.md")
    names = {"tt": tt, "tokenizer": translator.tokenizer, "arguments": ARGUMENTS}
    exec(program, names)
    for found, expected in zip(
        names["model"].get_weights(), translator.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    assert (tmp_path / "saved_models" / "mine" / "1" / "saved_model.pb").exists()
