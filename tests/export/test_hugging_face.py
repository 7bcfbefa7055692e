"""Folders that are written for `MarianMTModel` compute what our model computes."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from tests.export.toy_export import (
    MAX_LENGTH,
    PAIRS,
    TEXTS,
    add_lora,
    make_translator,
)
from tests.importers.hugging_face_folders import LANGUAGES, write_model
from tf_transformer.export.hugging_face import export_hugging_face
from tf_transformer.importers.hugging_face_settings import model_arguments
from tf_transformer.importers.importing import import_translator
from tf_transformer.layers import Decoder, SSRUDecoder
from tf_transformer.models import Transformer

transformers = pytest.importorskip(
    "transformers", reason="pip install 'tf_transformer[marian-tests]'"
)
torch = pytest.importorskip("torch", reason="pip install 'tf_transformer[torch]'")

# of MarianTokenizer
pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")
# what `MarianMTModel` can compute
FORM = {"positions": "halves", "norm_epsilon": 1e-5, "start_id": 2}
VARIANTS = {
    "plain": {},
    "separate, bias": {"shared": False, "output_bias": True},
    "depths": {"num_encoder_layers": 1, "num_decoder_layers": 3},
    "gelu": {"activation": "gelu", "start_id": 0},
    "silu": {"activation": "silu", "start_id": 3},
}
FULL = {"plain", "silu"}


def assert_same_logits(folder, translator, texts, targets):
    """Logits of every token, by ids that the written tokenizer gives."""
    reference = transformers.MarianMTModel.from_pretrained(folder).eval()
    tokenizer = transformers.MarianTokenizer.from_pretrained(folder)
    sources = tokenizer(texts)["input_ids"]
    assert sources == translator.tokenizer.encode_source(texts)
    labels = translator.tokenizer.encode_target(targets)
    assert labels == tokenizer(text_target=targets)["input_ids"]
    for source, label in zip(sources, labels, strict=True):
        inputs = {
            "source_ids": np.array([source]),
            "target_ids": np.array([[2, *label[:-1]]]),
        }
        found = np.array(translator.model(inputs, training=False))
        start = reference.config.decoder_start_token_id
        with torch.no_grad():
            expected = reference(
                input_ids=torch.tensor([source]),
                decoder_input_ids=torch.tensor([[start, *label[:-1]]]),
            ).logits.numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5)
        assert expected.std() > 0.3
    return reference, tokenizer


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.full] if name in FULL else [])
        for name in VARIANTS
    ],
)
def test_logits_are_the_same(name, tmp_path):
    translator = make_translator(**{**FORM, **VARIANTS[name]})
    path = export_hugging_face(translator, tmp_path / "model")
    sources, targets = (list(side) for side in zip(*PAIRS, strict=True))
    assert_same_logits(path, translator, sources, targets)


@pytest.mark.long
def test_lora_is_added(tmp_path):
    translator = make_translator(**FORM)
    add_lora(translator.model)
    path = export_hugging_face(translator, tmp_path / "model")
    sources, targets = (list(side) for side in zip(*PAIRS, strict=True))
    assert_same_logits(path, translator, sources[:2], targets[:2])


@pytest.mark.long
@pytest.mark.parametrize("separate", [False, True])
def test_an_imported_model_goes_back_bit_for_bit(separate, tmp_path):
    (tmp_path / "there").mkdir()
    write_model(tmp_path / "there", separate=separate)
    translator = import_translator(tmp_path / "there")
    texts = ["a dog ran", f"{LANGUAGES[1]} The student", "qq ☃ ü"]
    path = export_hugging_face(translator, tmp_path / "back")
    targets = ["Ein Hund", "Der Park ☃", "Haus!"]
    reference, _ = assert_same_logits(path, translator, texts, targets)
    assert reference.config.decoder_start_token_id == 0
    again = import_translator(path)
    assert again.tokenizer.encode_source(texts) == translator.tokenizer.encode_source(
        texts
    )
    weights = zip(again.model.weights, translator.model.weights, strict=True)
    for one, other in weights:
        np.testing.assert_array_equal(one, other)


@pytest.mark.long
def test_translations_are_the_same(tmp_path):
    translator = make_translator(**FORM)
    path = export_hugging_face(translator, tmp_path / "model")
    model = transformers.MarianMTModel.from_pretrained(path).eval()
    tokenizer = transformers.MarianTokenizer.from_pretrained(path)
    texts = [TEXTS[0], *(source for source, _ in PAIRS)]
    inputs = tokenizer(texts, return_tensors="pt", padding=True)
    found = model.generate(**inputs, num_beams=1, max_new_tokens=20)[:, 1:].tolist()
    ours = translator.nbest(texts, beam_size=1, max_length=20)
    for row, [best] in zip(found, ours, strict=True):
        assert row[:19] == [*best.token_ids, *[0] * 20][:19]


def test_settings_are_those_of_the_model(tmp_path):
    rates = {"dropout_rate": 0.15, "attention_dropout_rate": 0.05}
    depths = {"num_encoder_layers": 3, "num_decoder_layers": 1}
    translator = make_translator(**FORM, **rates, **depths, shared=False)
    path = export_hugging_face(translator, tmp_path / "model")
    config = json.loads((path / "config.json").read_text())
    arguments = model_arguments(config, "config.json")
    for name, value in {**rates, **depths}.items():
        assert arguments[name] == value
    tokenizer = translator.tokenizer
    sizes = tokenizer.vocab_size, tokenizer.target_vocab_size
    assert (config["vocab_size"], config["decoder_vocab_size"]) == sizes
    assert len(set(sizes)) == 2
    # without a sentence of more tokens, padding or a second start
    search = json.loads((path / "generation_config.json").read_text())
    assert search["max_length"] == MAX_LENGTH
    assert search["bad_words_ids"] == [[0], [2]]
    assert (search["eos_token_id"], search["forced_eos_token_id"]) == (3, 3)


class OtherTransformer(Transformer):
    """Its computation may be another one."""


def test_a_subclass_of_the_transformer_is_refused(tmp_path):
    sizes = {"num_layers": 1, "d_model": 4, "num_heads": 2, "d_ff": 5}
    other = SimpleNamespace(model=OtherTransformer(9, **sizes, **FORM), tokenizer=None)
    with pytest.raises(ValueError, match="a Transformer. Received: OtherTransformer"):
        export_hugging_face(other, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": "marian"}, "positions='halves'. Received: positions='marian'"),
        ({"norm_epsilon": 1e-6}, "norm_epsilon=1e-05"),
        ({"normalize_first": True}, "normalize_first=False"),
        ({"start_id": None}, "a start token. Received: start_id=None"),
        ({"activation": "tanh"}, "activation: one of relu.*'tanh'"),
        ({"norm": keras.layers.RMSNormalization}, "norm=.*RMSNormalization"),
        ({"decoder": SSRUDecoder}, f"{Decoder.__name__}.*SSRUDecoder"),
    ],
)
def test_models_that_hugging_face_cannot_compute_are_refused(
    changes, message, tmp_path
):
    translator = make_translator(**{**FORM, **changes})
    with pytest.raises(ValueError, match=message):
        export_hugging_face(translator, tmp_path / "model")
    assert not (tmp_path / "model").exists()
