"""What a configuration says about quantized layers, so that files restore them."""

import re

import keras

from tf_transformer.utils.keras_compat import all_layers, replace_dtype_policy

RESTORED = ("int8", "float8")  # quantization modes


def quantized_dtype(layer) -> dict:
    """The entry `"dtype"` of a layer's configuration, if something in it is quantized.

    Keras quantizes layers inside other layers, but their configurations do not say so.
    A map has a dtype policy for the path of each quantized layer, in any outer layer.

    Args:
        layer: A layer or a model.

    Returns:
        A dictionary, empty if nothing is quantized.

    Raises:
        ValueError: If layers have 4 bits, which Keras would not restore.

    Example:

    >>> from tf_transformer.layers import FeedForward
    >>> layer = FeedForward(d_model=12, d_ff=17, name="network")
    >>> layer.build((None, 7, 12))
    >>> quantized_dtype(layer)
    {}
    >>> layer.inner_dense.quantize("int8")
    >>> list(quantized_dtype(layer)["dtype"]["config"]["policy_map"])
    ['(.*/)?network/inner']
    """
    layers = [x for x in all_layers(layer) if x.quantization_mode is not None]
    for quantized in layers:
        if quantized.quantization_mode not in RESTORED:
            raise ValueError(
                "Keras does not restore this quantization from a file. Expected "
                f"{' or '.join(RESTORED)}, or save_weights before `quantize`. "
                f"Received: {quantized.path} with {quantized.quantization_mode}"
            )
    if not layers:
        return {}
    outer = (layer.path or "").removesuffix(layer.name)
    policies = keras.dtype_policies.DTypePolicyMap(
        default_policy=_policy_of(layer).name,
        policy_map={
            f"(.*/)?{re.escape(quantized.path.removeprefix(outer))}": _policy_of(
                quantized
            )
            for quantized in layers
        },
    )
    return {"dtype": keras.dtype_policies.serialize(policies)}


def give_own_policies(layer) -> None:
    """Replaces a map of dtype policies by each layer's own policy.

    Layers that were made from a configuration share the map, in which Keras does not
    look when it saves the numbers of a quantized layer.

    Args:
        layer: A layer or a model.
    """
    for part in all_layers(layer):
        if part.built and isinstance(
            part.dtype_policy, keras.dtype_policies.DTypePolicyMap
        ):
            replace_dtype_policy(part, _policy_of(part))


def _policy_of(layer):
    """The policy of a layer, which may share a map of policies with others."""
    policy = layer.dtype_policy
    if not isinstance(policy, keras.dtype_policies.DTypePolicyMap):
        return policy
    return policy[layer.path] if layer.path else policy.default_policy
