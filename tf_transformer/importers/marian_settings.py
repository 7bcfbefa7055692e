"""Settings in the model files of Marian, and the arguments of `Transformer`."""

import reprlib
from collections.abc import Mapping
from typing import Any

from tf_transformer.importers.settings import (
    check_settings,
    positive_integer,
    unsupported,
)

SETTINGS = "special:model.yml"
ACTIVATIONS = {"relu": "relu", "swish": "silu"}
POSITIONS = "transformer-train-position-embeddings"
TIES = ("tied-embeddings", "tied-embeddings-all", "tied-embeddings-src")
# (before, after, at the end of the stack) -> normalize_first. Marian's letters: a is
# the residual connection, n the normalization; d, dropout, is removed first.
ORDERS = {("", "an", ""): False, ("n", "a", "n"): True}
PROCESSES = (
    *("transformer-preprocess", "transformer-postprocess"),
    "transformer-postprocess-top",
)

_USED = {
    *("dec-cell", "dec-depth", "dim-emb", "dim-vocabs", "enc-depth", *TIES),
    *("transformer-decoder-autoreg", "transformer-dim-ffn", "transformer-heads"),
    *("transformer-ffn-activation", "transformer-postprocess-emb", *PROCESSES),
}
_FIXED = {
    "type": ("transformer",),
    "factors-combine": ("sum",),
    "factors-dim-emb": (0,),
    "input-types": ([],),
    "layer-normalization": (False,),
    "lemma-dim-emb": (0,),
    "lemma-dependency": ("",),
    "output-omit-bias": (False,),
    "right-left": (False,),
    "special-vocab": ([],),
    "transformer-decoder-dim-ffn": (0,),
    "transformer-decoder-ffn-depth": (0,),
    "transformer-depth-scaling": (False, True),  # of the initial weights only
    "transformer-ffn-depth": (2,),
    "transformer-no-affine": (False,),
    "transformer-no-bias": (False,),
    "transformer-no-projection": (False,),
    "transformer-pool": (False,),
    "transformer-rnn-projection": (False,),
    "transformer-tied-layers": ([],),
    POSITIONS: (False,),
    "transformer-train-positions": (False,),
    "ulr": (False,),
}
# These concern BERT, recurrent encoders, average attention, alignments or training.
_IGNORED = {
    *("bert-train-type-embeddings", "bert-type-vocab-size", "version"),
    *("dec-cell-base-depth", "dec-cell-high-depth", "dim-rnn", "enc-cell"),
    *("enc-cell-depth", "enc-type", "skip"),
    *("transformer-aan-activation", "transformer-aan-depth"),
    *("transformer-aan-nogate", "transformer-dim-aan"),
    *("transformer-guided-alignment-layer", "ulr-dim-emb"),
    *("ulr-trainable-transformation",),
}


def model_arguments(settings: Mapping[str, Any], path) -> dict:
    """Returns the arguments of `Transformer` that the settings describe.

    The vocabularies decide `vocab_size` and `target_vocab_size`; `decoder` is
    `"ssru"` or `"self_attention"`.

    Args:
        settings: `special:model.yml` of the file.
        path: The file, for messages.

    Returns:
        Dictionary of arguments.

    Raises:
        ValueError: If a setting is unknown or cannot be imported.
    """
    check_settings(settings, path, used=_USED, fixed=_FIXED, ignored=_IGNORED)
    activation = settings.get("transformer-ffn-activation", "swish")
    if activation not in tuple(ACTIVATIONS):  # Marian's gelu is x sigmoid(1.702 x)
        raise unsupported(path, "transformer-ffn-activation", activation, ACTIVATIONS)
    return {
        "num_encoder_layers": positive_integer(settings, "enc-depth", path),
        "num_decoder_layers": positive_integer(settings, "dec-depth", path),
        "d_model": positive_integer(settings, "dim-emb", path),
        "num_heads": positive_integer(settings, "transformer-heads", path),
        "d_ff": positive_integer(settings, "transformer-dim-ffn", path),
        "dropout_rate": 0.0,  # the file does not contain the value of the training
        "activation": ACTIVATIONS[activation],
        "normalize_first": _normalize_first(settings, path),
        "decoder": _decoder(settings, path),
        "positions": "marian",
        "output_bias": True,
        "norm_epsilon": 1e-6,
        "start_id": None,
    }


def _normalize_first(settings, path) -> bool:
    before, after, last = (
        str(settings.get(n) or "").replace("d", "") for n in PROCESSES
    )
    order = (before, after, last)
    if order not in ORDERS:
        received = ", ".join(
            f"{name}: {reprlib.repr(settings.get(name))}" for name in PROCESSES
        )
        raise ValueError(
            f"{path} describes a model that cannot be imported. Expected post-norm "
            '("", "dan", "") or pre-norm ("n", "da", "n") as the three settings. '
            f"Received: {received}"
        )
    embedding = str(settings.get("transformer-postprocess-emb") or "")
    if embedding.replace("d", ""):
        raise unsupported(path, "transformer-postprocess-emb", embedding, ("d", ""))
    return ORDERS[order]


def _decoder(settings, path) -> str:
    kind = settings.get("transformer-decoder-autoreg", "self-attention")
    if kind == "self-attention":
        return "self_attention"
    if kind != "rnn":
        values = ("self-attention", "rnn")
        raise unsupported(path, "transformer-decoder-autoreg", kind, values)
    if settings.get("dec-cell") != "ssru":
        raise unsupported(path, "dec-cell", settings.get("dec-cell"), ("ssru",))
    return "ssru"


def embedding_names(settings: Mapping[str, Any], path) -> tuple[str, str]:
    """The names of the source's and the target's embedding in the file.

    Raises:
        ValueError: If the output has a separate matrix.
    """
    output, both, sources = (settings.get(name, False) for name in TIES)
    if both:
        return "Wemb", "Wemb"
    if not output:
        raise unsupported(path, "tied-embeddings", output, (True,))
    return ("Wemb", "Wemb") if sources else ("encoder_Wemb", "decoder_Wemb")
