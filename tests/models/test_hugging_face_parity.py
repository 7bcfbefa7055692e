"""Hugging Face's Marian with our weights computes the same logits."""

import os

import numpy as np
import pytest

from tests import reference
from tests.models.small_model import MAX_LENGTH, NUM_HEADS, SOURCE, make_model, numbers
from tests.reference import below

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch = pytest.importorskip("torch", reason="pip install 'tf_transformer[torch]'")
transformers = pytest.importorskip("transformers", reason="pip install transformers")

SUBLAYERS = {
    "attention": ("self_attn", "self_attn_layer_norm"),
    "cross_attention": ("encoder_attn", "encoder_attn_layer_norm"),
}
# the same sentences, first as we write them, then as Hugging Face reads them
TARGET = np.array([[2, 7, 12, 19, 21], [2, 14, 5, 0, 0]], "int32")
THEIR_TARGET = np.where(np.arange(5) == 0, 0, TARGET)


def their_names(weights):
    """Our weights under their names, matrices transposed as theirs are."""
    table = weights["embedding/matrix/embeddings"]
    target_table = weights.get("target_embedding/matrix/embeddings", table)
    bias = next(v for k, v in weights.items() if k.endswith("output_bias"))
    found = {
        **{"model.encoder.embed_tokens.weight": table, "final_logits_bias": bias[None]},
        **{"model.decoder.embed_tokens.weight": target_table},
        "lm_head.weight": target_table,
    }
    if target_table is table:
        found["model.shared.weight"] = table

    def linear(name, own):
        found[f"{name}.weight"], found[f"{name}.bias"] = own["kernel"].T, own["bias"]

    def norm(name, own):
        found[f"{name}.weight"], found[f"{name}.bias"] = own["gamma"], own["beta"]

    for side, kinds in (
        ("encoder", ["attention"]),
        ("decoder", ["attention", "cross_attention"]),
    ):
        number = 0
        while any(path.startswith(f"{side}/block_{number}/") for path in weights):
            own = below(weights, side, f"block_{number}")
            prefix = f"model.{side}.layers.{number}."
            for kind in kinds:
                attention, its_norm = SUBLAYERS[kind]
                for ours, theirs in (
                    *(("query", "q_proj"), ("key", "k_proj")),
                    *(("value", "v_proj"), ("output", "out_proj")),
                ):
                    linear(f"{prefix}{attention}.{theirs}", below(own, kind, ours))
                norm(prefix + its_norm, below(own, f"{kind}_norm"))
            linear(prefix + "fc1", below(own, "feed_forward", "inner"))
            linear(prefix + "fc2", below(own, "feed_forward", "outer"))
            norm(prefix + "final_layer_norm", below(own, "feed_forward_norm"))
            number += 1
    return {name: torch.tensor(np.array(v)).float() for name, v in found.items()}


def twin_of(model, activation):
    config = transformers.MarianConfig(
        vocab_size=model.vocab_size,
        decoder_vocab_size=model.target_vocab_size,
        share_encoder_decoder_embeddings=model.target_vocab_size is None,
        d_model=model.d_model,
        encoder_layers=model.encoder.num_layers,
        decoder_layers=model.decoder.num_layers,
        encoder_attention_heads=NUM_HEADS,
        decoder_attention_heads=NUM_HEADS,
        encoder_ffn_dim=model.d_ff,
        decoder_ffn_dim=model.d_ff,
        activation_function=activation,
        max_position_embeddings=MAX_LENGTH,
        scale_embedding=True,
        pad_token_id=0,
        eos_token_id=3,
        decoder_start_token_id=0,
        forced_eos_token_id=None,
    )
    twin = transformers.MarianMTModel(config).eval()
    weights = their_names(reference.weights_of(model))
    missing, unexpected = twin.load_state_dict(weights, strict=False)
    assert [n for n in missing if "embed_positions" not in n] == unexpected == []
    return twin


@pytest.mark.moderate
@pytest.mark.parametrize("target_vocab_size", [None, 29], ids=["shared", "separate"])
@pytest.mark.parametrize("activation", ["swish", "gelu", "relu"])
def test_logits_equal_those_of_hugging_face(activation, target_vocab_size):
    model = make_model(
        **{"num_encoder_layers": 3, "num_decoder_layers": 1},
        **{"positions": "halves", "output_bias": True, "norm_epsilon": 1e-5},
        start_id=0,
        activation=activation,
        target_vocab_size=target_vocab_size,
    )
    twin = twin_of(model, activation)
    with torch.no_grad():
        expected = twin(
            input_ids=torch.tensor(SOURCE.astype("int64")),
            attention_mask=torch.tensor(SOURCE != 0),
            decoder_input_ids=torch.tensor(THEIR_TARGET.astype("int64")),
        ).logits.numpy()
    found = numbers(model({"source_ids": SOURCE, "target_ids": TARGET}))
    is_real = TARGET != 0
    np.testing.assert_allclose(found[is_real], expected[is_real], atol=1e-5)
    assert np.abs(expected).max() > 1.0
