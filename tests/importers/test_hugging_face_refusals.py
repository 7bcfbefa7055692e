"""What cannot be imported from a folder of Hugging Face's Marian is named."""

import json

import numpy as np
import pytest

from tests.importers.hugging_face_folders import write_model
from tf_transformer.importers.hugging_face_settings import model_arguments
from tf_transformer.importers.importing import import_translator

transformers = pytest.importorskip(
    "transformers", reason="pip install 'tf_transformer[marian-tests]'"
)
pytest.importorskip("torch", reason="pip install 'tf_transformer[torch]'")

pytestmark = pytest.mark.long
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
        ({"rotary_dim": 8, "other": None}, "does not know.*Received: rotary_dim$"),
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
