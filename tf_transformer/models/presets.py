"""Named sizes of the Transformer."""

PRESETS = {
    # for 2 CPU cores and the built-in corpus: trains in minutes
    "tiny": {
        "num_layers": 2,
        "d_model": 128,
        "num_heads": 4,
        "d_ff": 512,
        "dropout_rate": 0.1,
    },
    # for 2 CPU cores and tens of thousands of real pairs: trains in under an hour
    "small": {
        "num_layers": 3,
        "d_model": 256,
        "num_heads": 4,
        "d_ff": 512,
        "dropout_rate": 0.15,
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


def preset(name: str) -> dict:
    """The arguments of a named size.

    Args:
        name: One of "tiny", "small", "base", "big".

    Returns:
        A new dictionary of `Transformer` arguments.

    Raises:
        ValueError: For an unknown name.

    Example:

    >>> preset("base")["d_model"]
    512
    """
    if name not in PRESETS:
        raise ValueError(
            f"Unknown preset. Expected one of {sorted(PRESETS)}. Received: {name!r}"
        )
    return dict(PRESETS[name])
