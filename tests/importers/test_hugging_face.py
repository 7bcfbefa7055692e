"""Folders of Hugging Face's Marian against `MarianMTModel`, the reference."""

import json

import numpy as np
import pytest

from tests.importers.hugging_face_folders import (
    LANGUAGES,
    TARGET_LINES,
    TEXTS,
    write_model,
)
from tf_transformer.importers.hugging_face_settings import model_arguments
from tf_transformer.importers.importing import import_translator, read_model
from tf_transformer.inference.translator import padded
from tf_transformer.training.weights import load_weights, save_weights

transformers = pytest.importorskip(
    "transformers", reason="pip install 'tf_transformer[marian-tests]'"
)
torch = pytest.importorskip("torch", reason="pip install 'tf_transformer[torch]'")

# of MarianTokenizer
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses"),
]
VARIANTS = {
    "swish": {},
    "relu": {"activation_function": "relu"},
    "gelu, bpe": {"activation_function": "gelu", "model_type": "bpe"},
    "one layer, six": {"encoder_layers": 1, "decoder_layers": 6},
    "separate vocabularies": {"separate": True},
    "start is the end": {"decoder_start_token_id": 0, "decoder_ffn_dim": 20},
}
MAX_LENGTH = 25
SOURCES = [TEXTS[0], "a dog", f"{LANGUAGES[0]} {TEXTS[3]}"]


FULL = {"relu", "start is the end", "one layer, six"}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.full] if name in FULL else [])
        for name in VARIANTS
    ],
)
def pair(request, tmp_path_factory):
    """A folder, its `MarianMTModel`, and our translator."""
    folder = tmp_path_factory.mktemp("folder")
    reference = write_model(folder, **VARIANTS[request.param])
    return folder, reference, import_translator(folder)


def inputs_of(reference, rows):
    """Ids of the reference for rows of its embedding, with a mask."""
    longest = max(map(len, rows))
    pad = reference.config.pad_token_id
    ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows])
    return {"input_ids": ids, "attention_mask": mask}


def encoded(folder, translator, texts=SOURCES):
    """Our ids of texts, and the rows of the other model for them."""
    ids = translator.tokenizer.encode_source(texts)
    rows = read_model(folder).vocabularies.source.rows
    return ids, [rows[row].tolist() for row in ids]


def test_logits_are_the_same(pair):
    folder, reference, translator = pair
    ids, rows = encoded(folder, translator)
    targets = translator.tokenizer.encode_target(TARGET_LINES[:3])
    target = read_model(folder).vocabularies.target
    labels = padded(targets, 70, 1)
    inputs = {
        "source_ids": padded(ids, 70, 1),
        # the start, and the tokens before each position
        "target_ids": np.pad(labels[:, :-1], [[0, 0], [1, 0]], constant_values=2),
    }
    found = np.array(translator.model(inputs, training=False))
    target_rows = [target.rows[row].tolist() for row in targets]
    labels = inputs_of(reference, target_rows)["input_ids"]
    start = torch.full((3, 1), reference.config.decoder_start_token_id)
    with torch.no_grad():
        expected = reference(
            **inputs_of(reference, rows),
            decoder_input_ids=torch.cat([start, labels[:, :-1]], 1),
        ).logits.numpy()
    for i, row in enumerate(targets):
        written = found[i, : len(row), target.is_generated]
        there = expected[i, : len(row), target.rows[target.is_generated]]
        np.testing.assert_allclose(written, there, atol=1e-5, rtol=1e-5)
    assert np.all(found[..., ~target.is_generated] < -900)
    assert expected.std() > 0.5


@pytest.mark.long
@pytest.mark.parametrize("beam_size", [1, 4])
def test_translations_are_the_same(pair, beam_size):
    folder, reference, translator = pair
    _, rows = encoded(folder, translator)
    target = read_model(folder).vocabularies.target
    with torch.no_grad():
        expected = reference.generate(
            **inputs_of(reference, rows),
            num_beams=beam_size,
            length_penalty=0.0,
            min_new_tokens=5,
            max_new_tokens=MAX_LENGTH,
            do_sample=False,
            return_dict_in_generate=True,
            output_scores=True,
        )
    # the end is counted here, and is not there
    lengths = {"min_length": 6, "max_length": MAX_LENGTH}
    found = translator.nbest(SOURCES, beam_size=beam_size, alpha=0.0, **lengths)
    num_ended = 0
    for i, [best] in enumerate(found):
        there = expected.sequences[i, 1:].tolist()
        if there.count(0) and there.index(0) < MAX_LENGTH - 1:
            there = there[: there.index(0) + 1]
            assert target.rows[list(best.token_ids)].tolist() == there
            num_ended += 1
            if beam_size > 1:
                score = expected.sequences_scores[i].item()
                assert best.score == pytest.approx(score, abs=1e-4)
    assert num_ended == len(SOURCES)


@pytest.mark.long
def test_texts_are_those_of_the_reference(tmp_path):
    reference = write_model(tmp_path)
    tokenizer = transformers.MarianTokenizer.from_pretrained(tmp_path)
    inputs = tokenizer(SOURCES, return_tensors="pt", padding=True)
    options = {"num_beams": 1, "max_new_tokens": MAX_LENGTH}
    found = reference.generate(**inputs, **options)
    expected = tokenizer.batch_decode(found, skip_special_tokens=True)
    translator = import_translator(tmp_path)
    ours = translator(SOURCES, beam_size=1, max_length=MAX_LENGTH)
    assert ours == expected


def test_weights_are_bit_for_bit_the_same_after_import_save_and_load(pair, tmp_path):
    folder, reference, translator = pair
    state = {k: v.numpy() for k, v in reference.state_dict().items()}
    model = translator.model
    block = model.encoder.blocks[0]
    theirs = "model.encoder.layers.0"
    np.testing.assert_array_equal(
        block.self_attention.key_dense.kernel,
        state[f"{theirs}.self_attn.k_proj.weight"].T,
    )
    np.testing.assert_array_equal(
        model.decoder.blocks[-1].feed_forward_norm.beta,
        state[
            f"model.decoder.layers.{len(model.decoder.blocks) - 1}"
            ".final_layer_norm.bias"
        ],
    )
    target = read_model(folder).vocabularies.target
    table = np.array(model.target_embedding.matrix.embeddings)
    written = target.is_generated
    np.testing.assert_array_equal(
        table[written], state["lm_head.weight"][target.rows[written]]
    )
    path = tmp_path / "a.weights.h5"
    save_weights(model, path)
    other = type(model)(**model.arguments())
    load_weights(other, path)
    for ours, loaded in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(ours, loaded)


def test_a_folder_with_weights_of_pytorch_is_the_same(tmp_path):
    reference = write_model(tmp_path)
    expected = import_translator(tmp_path).model.get_weights()
    (tmp_path / "model.safetensors").unlink()
    torch.save(reference.state_dict(), tmp_path / "pytorch_model.bin")
    found = import_translator(tmp_path).model.get_weights()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


FILES = ["model.safetensors", "source.spm", "target.spm", "vocab.json"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path, name):
    write_model(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"lacks a file. Expected {name}"):
        import_translator(tmp_path)


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("vocab.json", b"[1]", "vocab.json cannot be read"),
        ("vocab.json", b"{", "vocab.json cannot be read"),
        ("vocab.json", b'{"</s>": 0, "<unk>": 1}', "vocab.json: .*'<pad>'"),
        ("config.json", b"no", "config.json cannot be read"),
        ("source.spm", b"no", "SentencePiece model"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, contents, message):
    write_model(tmp_path)
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(ValueError, match=message):
        import_translator(tmp_path)


def config(**changes):
    changes = {"model_type": "marian", "scale_embedding": True, **changes}
    return {**transformers.MarianConfig().to_dict(), **changes}


def test_a_configuration_of_opus_mt_is_known():
    """Settings that older versions of the library wrote."""
    arguments = model_arguments(
        config(
            _num_labels=3,
            activation_function="swish",
            add_bias_logits=False,
            add_final_layer_norm=False,
            bad_words_ids=[[58100]],
            bos_token_id=0,
            classif_dropout=0.0,
            extra_pos_embeddings=58101,
            gradient_checkpointing=False,
            max_length=512,
            max_position_embeddings=512,
            normalize_before=False,
            normalize_embedding=False,
            num_beams=6,
            num_hidden_layers=6,
            static_position_embeddings=True,
            torch_dtype="float32",
        ),
        "config.json",
    )
    assert arguments["activation"] == "silu"
    assert (arguments["positions"], arguments["norm_epsilon"]) == ("halves", 1e-5)
    assert (arguments["d_model"], arguments["max_length"]) == (1024, 512)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rotary_dim": 8}, "does not know.*Received: rotary_dim"),
        ({"model_type": "bart"}, "model_type: \"marian\". Received: 'bart'"),
        ({"scale_embedding": False}, "scale_embedding: true"),
        ({"normalize_before": True}, "normalize_before: false"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings: true"),
        ({"activation_function": "gelu_new"}, "activation_function: .*'gelu_new'"),
        ({"encoder_ffn_dim": 7}, "decoder_ffn_dim: 7. Received: 4096"),
        ({"decoder_attention_heads": 8}, "decoder_attention_heads: 16"),
        ({"d_model": "512"}, "d_model, an integer of at least 1. Received: '512'"),
        ({"max_position_embeddings": 10**9}, "at least 1 and at most 16384"),
        ({"dropout": "0.1"}, "dropout, a number of at least 0 and below 1"),
        ({"activation_function": ["relu"]}, "activation_function: .*'relu'"),
        ({"encoder_layers": 0}, "encoder_layers, an integer of at least 1"),
    ],
)
def test_what_cannot_be_imported_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        model_arguments(config(**changes), "config.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"eos_token_id": [0]}, r"eos_token_id: .*Received: \[0\]"),
        ({"d_model": 3 * 10**9}, r"weight of shape \(\d+, 3000000000\)"),
        ({"encoder_layers": 10**9}, "Expected 1000000002 layers. Received: "),
        ({"decoder_layers": 3}, "the weight model.decoder.layers.2.fc1.weight"),
        (
            {"encoder_ffn_dim": 10**12, "decoder_ffn_dim": 10**12},
            r"fc1.weight of shape \(1000000000000, 12\)",
        ),
    ],
)
def test_sizes_are_those_of_the_weights_and_ids_are_numbers(tmp_path, changes, message):
    """Before memory is used for them."""
    write_model(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ValueError, match=message):
        import_translator(tmp_path)


def test_weights_that_do_not_fit_are_named(tmp_path):
    reference = write_model(tmp_path)
    whole = {
        k: v.numpy() for k, v in reference.state_dict().items() if "tokens" not in k
    }
    del whole["lm_head.weight"]
    from safetensors.numpy import save_file

    wrong = {"more.weight": np.zeros(3, "float32")}
    bias = {"final_logits_bias": np.zeros((1, 5), "float32")}
    nan = {"model.decoder.layers.0.fc2.bias": np.full(12, np.nan, "float32")}
    table = {"lm_head.weight": whole["model.shared.weight"] + 1}
    position = "model.encoder.embed_positions.weight"
    for changes, message in (
        ({}, None),
        (wrong, "1 more: more.weight"),
        (bias, "final_logits_bias of shape.*Received: .1, 5."),
        (nan, "finite numbers in model.decoder.layers.0.fc2.bias"),
        (table, "lm_head.weight equal to model.shared.weight"),
        ({position: whole[position] * 2}, "positions that cannot be imported"),
    ):
        save_file({**whole, **changes}, tmp_path / "model.safetensors")
        if message is None:
            import_translator(tmp_path)
            continue
        with pytest.raises(ValueError, match=message) as refusal:
            import_translator(tmp_path)
        assert "model.safetensors" in str(refusal.value)
    del whole["model.encoder.layers.1.fc1.weight"]
    save_file(whole, tmp_path / "model.safetensors")
    with pytest.raises(
        ValueError, match="the weight model.encoder.layers.1.fc1.weight"
    ):
        import_translator(tmp_path)


def test_a_folder_that_does_not_exist_is_not_downloaded(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing is downloaded"):
        import_translator("Helsinki-NLP/opus-mt-en-de")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"model\*.bin or model\*.npz"):
        import_translator(tmp_path / "empty")
