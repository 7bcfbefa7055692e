"""Marian's settings: what its files may leave out, and which embeddings are one."""

import pytest
import yaml

from tests.importers.marian_reference import settings
from tf_transformer.importers.marian_settings import embedding_names, model_arguments


def values(**changes):
    return yaml.safe_load(settings(**changes))


def test_sizes_and_constants_are_those_of_marian():
    found = model_arguments(values(), "model.npz")
    expected = {
        **{"num_encoder_layers": 3, "num_decoder_layers": 2, "d_model": 12},
        **{"num_heads": 3, "d_ff": 20, "activation": "silu", "start_id": None},
        # `layerNorm(x, scale, bias, 1e-6f)` in Marian's source
        **{"norm_epsilon": 1e-6, "positions": "marian"},
    }
    assert {name: found[name] for name in expected} == expected


def test_a_missing_activation_is_swish():
    without = values()
    del without["transformer-ffn-activation"]
    assert model_arguments(without, "model.npz")["activation"] == "silu"
    relu = values(**{"transformer-ffn-activation": "relu"})
    assert model_arguments(relu, "model.npz")["activation"] == "relu"


@pytest.mark.parametrize(
    ("everything", "output", "sources", "expected"),
    [
        (True, False, False, ("Wemb", "Wemb")),
        (False, True, True, ("Wemb", "Wemb")),
        (False, True, False, ("encoder_Wemb", "decoder_Wemb")),
    ],
)
def test_embeddings_that_are_tied_have_one_name(everything, output, sources, expected):
    ties = {
        "tied-embeddings-all": everything,
        "tied-embeddings": output,
        "tied-embeddings-src": sources,
    }
    assert embedding_names(ties, "model.npz") == expected


def test_sources_that_are_tied_to_targets_are_not_tied_to_the_output():
    with pytest.raises(ValueError, match="tied-embeddings: true. Received: False"):
        embedding_names({"tied-embeddings-src": True}, "model.npz")
