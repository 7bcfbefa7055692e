"""Each setting of `config.json` becomes the argument with its meaning."""

import pytest

from tf_transformer.importers.hugging_face_settings import model_arguments

CONFIG = {
    "model_type": "marian",
    "scale_embedding": True,
    "activation_function": "gelu",
    "attention_dropout": 0.05,
    "d_model": 24,
    "decoder_attention_heads": 3,
    "decoder_ffn_dim": 40,
    "decoder_layers": 2,
    "dropout": 0.15,
    "encoder_attention_heads": 3,
    "encoder_ffn_dim": 40,
    "encoder_layers": 5,
    "max_position_embeddings": 70,
}


def test_every_size_and_rate_has_its_argument():
    found = model_arguments(CONFIG, "config.json")
    expected = {
        **{"num_encoder_layers": 5, "num_decoder_layers": 2, "d_model": 24},
        **{"num_heads": 3, "d_ff": 40, "max_length": 70, "activation": "gelu"},
        **{"dropout_rate": 0.15, "attention_dropout_rate": 0.05},
    }
    assert {name: found[name] for name in expected} == expected
    # the defaults of the library's configuration
    least = {name: CONFIG[name] for name in CONFIG if "dropout" not in name}
    del least["activation_function"]
    found = model_arguments(least, "config.json")
    assert found["dropout_rate"] == found["attention_dropout_rate"] == 0
    assert found["activation"] == "gelu"


def test_the_table_of_positions_may_have_16384_rows():
    rows = {"max_position_embeddings": 16_384}
    assert model_arguments({**CONFIG, **rows}, "a")["max_length"] == 16_384
    rows["max_position_embeddings"] += 1
    with pytest.raises(ValueError, match="at most 16384. Received: 16385"):
        model_arguments({**CONFIG, **rows}, "a")
