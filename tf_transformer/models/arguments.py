"""The constructor's arguments of `Transformer`: checks, and names for files."""

import keras

from tf_transformer.layers.base import (
    check_rates,
    check_sizes,
    factory_name,
    layer_factory,
)
from tf_transformer.layers.feed_forward import activation_name
from tf_transformer.models.embeddings import check_start_id

SIZES = ("vocab_size", "num_layers", "d_model", "num_heads", "d_ff", "max_length")
DEPTHS = ("num_encoder_layers", "num_decoder_layers")
FACTORIES = ("norm", "attention", "feed_forward", "encoder", "decoder")
BLOCK_ARGUMENTS = (
    *("d_model", "num_heads", "d_ff", "dropout_rate", "attention_dropout_rate"),
    *("activation", "normalize_first", "norm", "attention", "feed_forward"),
    "norm_epsilon",
)


def checked_arguments(arguments: dict) -> dict:
    """Checks arguments, and replaces names by classes and functions.

    Args:
        arguments: The arguments of `Transformer` by name.

    Returns:
        A new dictionary.

    Raises:
        ValueError: If a size, a rate or an id is wrong, or a name is unknown.
    """
    depths = [name for name in DEPTHS if arguments[name] is not None]
    check_sizes(**{name: arguments[name] for name in (*SIZES, *depths)})
    check_rates(word_dropout_rate=arguments["word_dropout_rate"])
    vocab_size = arguments["target_vocab_size"] or arguments["vocab_size"]
    check_start_id(arguments["start_id"], vocab_size)
    factories = {name: layer_factory(arguments[name]) for name in FACTORIES}
    activation = keras.activations.get(arguments["activation"])
    return {**arguments, **factories, "activation": activation}


def named_arguments(arguments: dict) -> dict:
    """Replaces classes and functions by the names that a configuration stores.

    Args:
        arguments: Result of `checked_arguments`.

    Returns:
        A new dictionary.

    Raises:
        ValueError: If a class or function has no name.
    """
    names = {name: factory_name(arguments[name]) for name in FACTORIES}
    activation = activation_name(arguments["activation"])
    return {**arguments, **names, "activation": activation}
