"""Named sizes of the models."""

PRESETS = {
    # trains in minutes on 2 CPU cores with the built-in corpus
    "tiny": {
        "num_layers": 2,
        "d_model": 128,
        "num_heads": 4,
        "d_ff": 512,
        "dropout_rate": 0.1,
    },
    # trains in under an hour on 2 CPU cores with tens of thousands of pairs; pre-norm
    # gains 2 BLEU (docs/recipes.md)
    "small": {
        "num_layers": 3,
        "d_model": 256,
        "num_heads": 4,
        "d_ff": 512,
        "dropout_rate": 0.15,
        "normalize_first": True,
    },
    # the paper's table 3
    "base": {
        "num_layers": 6,
        "d_model": 512,
        "num_heads": 8,
        "d_ff": 2048,
        "dropout_rate": 0.1,
    },
    "big": {
        "num_layers": 6,
        "d_model": 1024,
        "num_heads": 16,
        "d_ff": 4096,
        "dropout_rate": 0.3,
    },
}


# with about as many weights as the Transformer of the same name
RECURRENT_PRESETS = {
    "tiny": {"num_layers": 1, "d_model": 224, "dropout_rate": 0.1},
    "small": {"num_layers": 1, "d_model": 432, "dropout_rate": 0.15},
    # similar to RNNsearch (Bahdanau et al. 2015): 1000 gated units, additive score
    "base": {
        "num_layers": 1,
        "d_model": 1000,
        "cell": "gru",
        "score": "additive",
        "dropout_rate": 0.1,
    },
    # similar to Luong et al. 2015: four layers of 1000 LSTM units, dropout 0.2
    "big": {
        "num_layers": 4,
        "d_model": 1000,
        "cell": "lstm",
        "score": "general",
        "dropout_rate": 0.2,
    },
}


def preset(name: str, presets: dict = PRESETS) -> dict:
    """Returns the arguments of a named size.

    Args:
        name: One of "tiny", "small", "base", "big".
        presets: `PRESETS` for the Transformer, or `RECURRENT_PRESETS`.

    Returns:
        A new dictionary of the model's arguments.

    Raises:
        ValueError: For an unknown name.

    Example:

    >>> preset("base")["d_model"]
    512
    """
    if name not in presets:
        raise ValueError(
            f"Unknown preset. Expected one of {sorted(presets)}. Received: {name!r}"
        )
    return dict(presets[name])
