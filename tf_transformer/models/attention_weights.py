"""The attention weights of a Transformer."""

from keras import ops

from tf_transformer.layers.intermediates import capture_intermediates


def attention_weights(model, inputs):
    """Computes the attention weights of all layers and heads with teacher forcing.

    Args:
        model: A `Transformer`.
        inputs: Dictionary of `"source_ids"` `(B, S)` and `"target_ids"` `(B, T)`.

    Returns:
        See `Transformer.attend`.

    Raises:
        ValueError: If an exchanged attention layer does not pass on its weights.
    """
    with capture_intermediates() as captured:
        model(inputs, training=False)
    layers_by_kind = {
        "encoder": [block.self_attention for block in model.encoder.blocks],
        "decoder": [
            block.self_attention
            for block in model.decoder.blocks
            if hasattr(block, "self_attention")
        ],
        "cross": [block.cross_attention for block in model.decoder.blocks],
    }

    def weights(layer):
        if layer not in captured:
            raise ValueError(
                "The attention weights of a layer are unknown. Expected its method "
                "`attend` to call tf_transformer.layers.sow(self, query=..., keys=..., "
                "attention_mask=..., weights=...), as MultiHeadAttention does. "
                f"Received: {type(layer).__name__}"
            )
        return ops.cast(captured[layer]["weights"], "float32")

    return {
        kind: ops.stack([weights(layer) for layer in layers], axis=1)
        for kind, layers in layers_by_kind.items()
        if layers
    }
