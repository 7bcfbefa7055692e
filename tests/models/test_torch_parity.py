"""PyTorch's own Transformer with our weights computes the same."""

import numpy as np
import pytest

from tests import reference
from tests.models.small_model import (
    INPUTS,
    NUM_HEADS,
    SOURCE,
    TARGET,
    numbers,
    shared_model,
)
from tests.reference import below

torch = pytest.importorskip(
    "torch", reason="torch is not installed: pip install 'tf_transformer[torch]'"
)

SOURCE_IS_REAL, TARGET_IS_REAL = SOURCE != 0, TARGET != 0


def copy_linear(linear, *sources):
    """Ours are (inputs, outputs), PyTorch's (outputs, inputs), one above another."""
    if isinstance(linear, torch.nn.MultiheadAttention):
        weight, bias = linear.in_proj_weight, linear.in_proj_bias
    else:
        weight, bias = linear.weight, linear.bias
    kernels = np.concatenate([source["kernel"].T for source in sources])
    biases = np.concatenate([source["bias"] for source in sources])
    with torch.no_grad():
        weight.copy_(torch.tensor(kernels))
        bias.copy_(torch.tensor(biases))


def copy_attention(attention, weights):
    copy_linear(
        attention, *(below(weights, name) for name in ("query", "key", "value"))
    )
    copy_linear(attention.out_proj, below(weights, "output"))


def copy_norm(norm, weights):
    with torch.no_grad():
        norm.weight.copy_(torch.tensor(weights["gamma"]))
        norm.bias.copy_(torch.tensor(weights["beta"]))


def copy_stack(stack, weights, sublayers):
    for number, layer in enumerate(stack.layers):
        own = below(weights, f"block_{number}")
        copy_attention(layer.self_attn, below(own, "attention"))
        if "cross_attention" in sublayers:
            copy_attention(layer.multihead_attn, below(own, "cross_attention"))
        copy_linear(layer.linear1, below(own, "feed_forward", "inner"))
        copy_linear(layer.linear2, below(own, "feed_forward", "outer"))
        for i, name in enumerate(sublayers, start=1):
            norm = below(own, f"{name}_norm")
            copy_norm(getattr(layer, f"norm{i}"), norm)
    if stack.norm is not None:
        copy_norm(stack.norm, below(weights, "final_norm"))


def torch_twin(weights, normalize_first):
    """`torch.nn.Transformer` in float64 with the weights of our model."""
    nn, width = torch.nn, weights["embedding/matrix/embeddings"].shape[1]
    block = {
        **{"d_model": width, "nhead": NUM_HEADS, "dim_feedforward": 17},
        **{"dropout": 0.0, "activation": "relu", "layer_norm_eps": 1e-6},
        **{"batch_first": True, "norm_first": normalize_first},
    }

    def stack(stack_class, layer_class, **arguments):
        # with post-norm PyTorch would put one norm too many above the stack
        norm = nn.LayerNorm(width, eps=1e-6) if normalize_first else None
        return stack_class(layer_class(**block), 2, norm=norm, **arguments)

    twin = nn.Transformer(
        custom_encoder=stack(
            nn.TransformerEncoder,
            nn.TransformerEncoderLayer,
            enable_nested_tensor=False,
        ),
        custom_decoder=stack(nn.TransformerDecoder, nn.TransformerDecoderLayer),
        **block,
    ).double()
    copy_stack(twin.encoder, below(weights, "encoder"), ["attention", "feed_forward"])
    copy_stack(
        twin.decoder,
        below(weights, "decoder"),
        ["attention", "cross_attention", "feed_forward"],
    )
    return twin


@pytest.mark.parametrize(
    "normalize_first", [False, True], ids=["post-norm", "pre-norm"]
)
def test_encoder_states_and_logits_equal_those_of_torch(normalize_first):
    model = shared_model(normalize_first)
    weights = reference.weights_of(model)
    twin, table = (
        torch_twin(weights, normalize_first),
        weights["embedding/matrix/embeddings"],
    )
    source, target = (
        torch.tensor(np.array([reference.embed(table, ids) for ids in rows]))
        for rows in (SOURCE, TARGET)
    )
    is_padding, target_is_padding = map(torch.tensor, (SOURCE == 0, TARGET == 0))
    with torch.no_grad():
        states = twin.encoder(source, src_key_padding_mask=is_padding)
        future = torch.ones(5, 5, dtype=torch.bool).triu(1)
        answer = twin(
            source,
            target,
            tgt_mask=future,
            src_key_padding_mask=is_padding,
            tgt_key_padding_mask=target_is_padding,
            memory_key_padding_mask=is_padding,
        )
    expected = answer.numpy() @ table.T
    found = numbers(model.encode(SOURCE)["states"])
    np.testing.assert_allclose(
        found[SOURCE_IS_REAL], states.numpy()[SOURCE_IS_REAL], atol=1e-5
    )
    logits = numbers(model(INPUTS))
    np.testing.assert_allclose(
        logits[TARGET_IS_REAL], expected[TARGET_IS_REAL], rtol=1e-5, atol=2e-5
    )
    assert np.abs(expected).max() > 1.0
