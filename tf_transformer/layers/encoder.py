"""The encoder (section 3.1, figure 1 left)."""

import keras

from tf_transformer.layers.base import BaseLayer, build_sublayer, check_sizes
from tf_transformer.layers.encoder_block import EncoderBlock
from tf_transformer.layers.masks import combine_masks


@keras.saving.register_keras_serializable(package="tf_transformer")
class Encoder(BaseLayer):
    """A stack of N encoder blocks.

    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762).
    With pre-norm, a final normalization follows the stack.

    Args:
        num_layers: Integer. Number of blocks N.
        name: Optional name of the layer.
        dtype: Optional dtype policy, for all blocks.
        trainable: Whether the weights are trained. Defaults to `True`.
        autocast: Whether float inputs are cast to the compute dtype, here and in all
            blocks. Defaults to `True`.
        **block_arguments: The arguments of `EncoderBlock`.

    Call arguments:
        inputs: Tensor `(B, S, d_model)`: embeddings with positions.
        padding_mask: Optional bool tensor `(B, S)`, `True` = real token. Padding is
            hidden from every query.
        self_attention_mask: Optional bool tensor `(S, S)`, `(B, S, S)` or
            `(B, 1, S)`, `True` = may attend. Combined with the other masks.
        use_causal_mask: If `True`, a position attends only to itself and earlier ones,
            as in a language model. Defaults to `False`.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, S, d_model)`.

    Raises:
        ValueError: If the inputs have another width, or a mask another shape.

    Example:

    >>> encoder = Encoder(num_layers=2, d_model=8, num_heads=2, d_ff=16)
    >>> is_real = keras.ops.array([[True, True, True, False, False]])
    >>> encoder(keras.ops.ones((1, 5, 8)), padding_mask=is_real).shape
    TensorShape([1, 5, 8])

    Shape letters: B batch, S source length.
    """

    def __init__(
        self,
        *,
        num_layers,
        name=None,
        dtype=None,
        trainable=True,
        autocast=True,
        **block_arguments,
    ):
        super().__init__(name=name, dtype=dtype, trainable=trainable, autocast=autocast)
        check_sizes(num_layers=num_layers)
        self.num_layers = num_layers
        self.blocks = [
            self._make_block(**block_arguments, **self.sublayer_arguments(f"block_{i}"))
            for i in range(num_layers)
        ]
        first = self.blocks[0]
        self.final_norm = (
            first.make_norm("final_norm") if first.normalize_first else None
        )

    def _make_block(self, **arguments):
        return EncoderBlock(**arguments)

    def build(self, input_shape):
        for block in self.blocks:
            block.build(input_shape)
        if self.final_norm is not None:
            build_sublayer(self.final_norm, input_shape)
        self.built = True

    def call(
        self,
        inputs,
        padding_mask=None,
        self_attention_mask=None,
        use_causal_mask=False,
        training=None,
    ):
        mask = combine_masks(
            inputs,
            inputs,
            padding_mask=padding_mask,
            attention_mask=self_attention_mask,
            use_causal_mask=use_causal_mask,
        )
        x = inputs
        for block in self.blocks:
            x = block(x, self_attention_mask=mask, training=training)
        return self._finish(x)

    def _finish(self, x):
        return x if self.final_norm is None else self.final_norm(x)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        block_config = self.blocks[0].get_config()
        return {**block_config, **super().get_config(), "num_layers": self.num_layers}
