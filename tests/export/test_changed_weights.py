"""Exports of models that were quantized or adapted with LoRA."""

import pytest
import tensorflow as tf

from tests.export.toy_export import TEXTS, add_lora, make_translator, save_signatures
from tf_transformer.inference.settings import SearchSettings

pytestmark = pytest.mark.needs_tensorflow

SETTINGS = {"beam_size": 1, "max_length": 9}
CHANGES = {"int8": lambda model: model.quantize("int8"), "LoRA": add_lora}


@pytest.fixture(scope="module")
def before(translator):
    """Translations of the model that is changed."""
    return translator(TEXTS, **SETTINGS)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.parametrize("change", CHANGES)
def test_the_export_of_a_changed_model_gives_its_translations(change, before, tmp_path):
    translator = make_translator()
    CHANGES[change](translator.model)
    settings = SearchSettings(**SETTINGS)
    save_signatures(translator, settings, tmp_path)
    loaded = tf.saved_model.load(str(tmp_path))
    found = loaded.signatures["translate"](text=tf.constant(TEXTS))["translation"]
    expected = translator(TEXTS, **SETTINGS)
    assert [text.decode() for text in found.numpy()] == expected
    assert expected != before
