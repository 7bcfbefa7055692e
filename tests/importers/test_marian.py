"""Marian's folders against its formulas in NumPy."""

import json
import re

import numpy as np
import pytest
import yaml

from tests.importers.hugging_face_folders import (
    SOURCE_LINES,
    TARGET_LINES,
    pieces_of,
    train_pieces,
)
from tests.importers.marian_files import (
    SETTINGS,
    binary,
    item,
    quantized_item,
    settings_array,
)
from tests.importers.marian_reference import Reference, settings, weights
from tf_transformer.importers.importing import import_translator, read_model
from tf_transformer.importers.marian_folder import find_files
from tf_transformer.importers.marian_settings import embedding_names, model_arguments

pytestmark = pytest.mark.long
MARIAN_IDS = {"eos_id": 0, "unk_id": 1, "bos_id": -1}
FORMS = {
    "ssru": {"ssru": True},
    "self-attention": {},
    "pre-norm": {"pre_norm": True},
    "pre-norm, ssru": {"pre_norm": True, "ssru": True},
    "separate": {"ties": "output"},
}


def write_folder(folder, form=None, file="model.ende.npz", changes=None, **wrong):
    """A folder of Marian with random weights; returns them."""
    form = form or {}
    source = train_pieces(SOURCE_LINES + TARGET_LINES, vocab_size=97, **MARIAN_IDS)
    models = [source]
    if form.get("ties") == "output":
        models = [source, train_pieces(TARGET_LINES, vocab_size=71, **MARIAN_IDS)]
        (folder / "srcvocab.ende.spm").write_bytes(models[0])
        (folder / "trgvocab.ende.spm").write_bytes(models[1])
    else:
        (folder / "vocab.ende.spm").write_bytes(source)
    sizes = [len(pieces_of(model)) + 3 for model in models]
    arrays = weights(sizes, **form)
    arrays.update(wrong)
    text = settings_array(settings(**form, **(changes or {})))
    if file.endswith(".npz"):
        np.savez(folder / file, **arrays, **{SETTINGS: text})
    else:
        items = {name: item(array) for name, array in arrays.items()}
        items["none_QuantMultA"] = item(np.ones((1, 1), np.float32))
        (folder / file).write_bytes(binary({**items, SETTINGS: item(text)}))
    return arrays


def compare_logits(folder, reference):
    translator = import_translator(folder)
    _, source, target = read_model(folder).vocabularies
    [source_ids] = translator.tokenizer.encode_source(
        ["A dog and a cat ran to the house."]
    )
    [target_ids] = translator.tokenizer.encode_target(["Ein Hund lief in den Park."])
    assert len(source_ids) != len(target_ids)
    expected = reference.logits(source.rows[source_ids], target.rows[target_ids])
    inputs = {
        "source_ids": np.array([source_ids]),
        "target_ids": np.array([[2, *target_ids[:-1]]]),
    }
    found = np.array(translator.model(inputs, training=False))[0]
    rows = target.rows[target.is_generated]
    np.testing.assert_allclose(
        found[:, target.is_generated], expected[:, rows], rtol=1e-4, atol=2e-5
    )
    assert (found[:, ~target.is_generated] < -900).all()
    assert expected.std() > 1


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("file", ["model.ende.npz", "model.ende.bin"])
def test_logits_are_those_of_the_formulas(tmp_path, name, file):
    arrays = write_folder(tmp_path, FORMS[name], file)
    form = {k: v for k, v in FORMS[name].items() if k != "ties"}
    compare_logits(tmp_path, Reference(arrays, **form))


def test_int8_weights_are_dequantized(tmp_path):
    arrays = write_folder(tmp_path, {"ssru": True})
    (tmp_path / "model.ende.npz").unlink()
    items, dequantized = {}, dict(arrays)
    for name, array in arrays.items():
        items[name] = item(array)
        if array.shape[0] > 1:
            multiplier = np.float32(127 / np.abs(array).max())
            values = np.round(array * multiplier).astype(np.int8)
            items[name] = quantized_item(values, multiplier, name != "Wemb")
            dequantized[name] = values / multiplier
    items[SETTINGS] = item(settings_array(settings(ssru=True)))
    (tmp_path / "model.bin").write_bytes(binary(items))
    compare_logits(tmp_path, Reference(dequantized, ssru=True))


def test_a_vocabulary_of_pieces_has_models_for_both_sides(tmp_path):
    """As OPUS-MT's own folders: a .yml vocabulary, source.spm and target.spm."""
    write_folder(tmp_path)
    (tmp_path / "vocab.ende.spm").unlink()
    models = train_pieces(SOURCE_LINES), train_pieces(TARGET_LINES, vocab_size=71)
    for name, model in zip(("source", "target"), models, strict=True):
        (tmp_path / f"{name}.spm").write_bytes(model)
    # the last ones are unquoted in the file
    pieces = ["</s>", "<unk>", *pieces_of(*models), "2019", "true"]
    arrays = weights([len(pieces)])
    text = settings_array(settings())
    np.savez(tmp_path / "model.ende.npz", **arrays, **{SETTINGS: text})
    table = yaml.safe_dump({piece: i for i, piece in enumerate(pieces)})
    table = re.sub("^'(2019|true)'", r"\1", table, flags=re.MULTILINE)
    assert "\ntrue: " in table and "\n2019: " in table
    (tmp_path / "opus.vocab.yml").write_text(table)
    names = {"models": ["/elsewhere/model.ende.npz"], "vocabs": ["opus.vocab.yml"] * 2}
    (tmp_path / "decoder.yml").write_text(yaml.safe_dump(names))
    compare_logits(tmp_path, Reference(arrays))
    foreign = read_model(tmp_path / "decoder.yml")
    assert foreign.vocabularies.source.count == len(pieces)


def test_files_that_are_missing_or_ambiguous_are_named(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "a.yml").write_text(
        json.dumps({"models": ["other.npz"], "vocabs": ["vocab.ende.spm"] * 2})
    )
    with pytest.raises(FileNotFoundError, match=r"Expected other\.npz"):
        find_files(tmp_path)
    (tmp_path / "b.yml").write_text('{"models": ["c.npz"], "vocabs": []}')
    with pytest.raises(ValueError, match=r"several files.*Received: a\.yml, b\.yml"):
        find_files(tmp_path)
    with pytest.raises(ValueError, match="Expected vocabs: 2 names. Received: \\[\\]"):
        find_files(tmp_path / "b.yml")
    (tmp_path / "b.yml").write_text('{"models": ["c.npz", "d.npz"]}')
    with pytest.raises(ValueError, match="Expected models: 1 names"):
        find_files(tmp_path / "b.yml")
    (tmp_path / "b.yml").write_text("a: [")
    with pytest.raises(ValueError, match=r"b\.yml cannot be read"):
        find_files(tmp_path)
    for name in "ab":
        (tmp_path / f"{name}.yml").unlink()
    (tmp_path / "model2.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="Received: model.ende.npz, model2.bin"):
        find_files(tmp_path)
    (tmp_path / "model2.bin").unlink()
    (tmp_path / "vocab.ende.spm").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks a file. Expected vocab\*.spm"):
        find_files(tmp_path)


def test_weights_that_do_not_fit_are_named(tmp_path):
    wrong = {"decoder_l1_ffn_W3": np.zeros((2, 2), np.float32)}
    write_folder(tmp_path, **wrong)
    with pytest.raises(ValueError, match="1 more: decoder_l1_ffn_W3"):
        import_translator(tmp_path)
    write_folder(tmp_path, Wemb=np.zeros((50, 12), np.float32))
    with pytest.raises(ValueError, match=r"Expected Wemb of shape .* \(50, 12\)"):
        import_translator(tmp_path)
    write_folder(tmp_path, changes={"transformer-ffn-depth": 3})
    with pytest.raises(ValueError, match="transformer-ffn-depth: 2. Received: 3"):
        import_translator(tmp_path)
    np.savez(tmp_path / "model.ende.npz", Wemb=np.zeros(3))
    with pytest.raises(ValueError, match="lacks the model's settings"):
        import_translator(tmp_path)


REFUSED = [
    ({"rotary": 1}, "does not know.*Received: rotary"),
    ({"type": "s2s"}, "type: \"transformer\". Received: 's2s'"),
    ({"transformer-ffn-activation": "gelu"}, "ffn-activation: .*'gelu'"),
    ({"transformer-decoder-autoreg": "average-attention"}, "'average-attention'"),
    ({"transformer-decoder-autoreg": "rnn", "dec-cell": "gru"}, 'dec-cell: "ssru"'),
    ({"transformer-postprocess": "dhn"}, "post-norm .* or pre-norm"),
    ({"transformer-preprocess": "n"}, "post-norm .* or pre-norm"),
    ({"transformer-postprocess-emb": "nd"}, "postprocess-emb: .*'nd'"),
    ({"transformer-train-position-embeddings": "true"}, "position-embeddings: false"),
    ({"transformer-tied-layers": "[1, 1]"}, r"tied-layers: \[\]"),
    ({"lemma-dim-emb": 64}, "lemma-dim-emb: 0. Received: 64"),
    ({"transformer-preprocess": "[1]"}, "post-norm .* or pre-norm"),
    ({"transformer-ffn-activation": "[relu]"}, "ffn-activation"),
    ({"enc-depth": "many"}, "enc-depth, an integer of at least 1"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_what_cannot_be_imported_is_named(changes, message):
    values = yaml.safe_load(settings(**changes))
    with pytest.raises(ValueError, match=message):
        model_arguments(values, "model.npz")


def test_there_is_no_dropout_unless_asked_for():
    arguments = model_arguments(yaml.safe_load(settings()), "model.npz")
    assert arguments["dropout_rate"] == 0


def test_an_output_matrix_of_its_own_is_refused():
    values = yaml.safe_load(settings(ties="none"))
    with pytest.raises(ValueError, match="tied-embeddings: true. Received: False"):
        embedding_names(values, "model.npz")


def test_one_embedding_needs_one_vocabulary(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "vocab.ende.spm").rename(tmp_path / "srcvocab.spm")
    model = train_pieces(TARGET_LINES, vocab_size=71, **MARIAN_IDS)
    (tmp_path / "trgvocab.spm").write_bytes(model)
    with pytest.raises(ValueError, match="tied-embeddings-all: false"):
        import_translator(tmp_path)
