"""The decoder (section 3.1, figure 1 right)."""

import keras

from tf_transformer.layers.decoder_block import DecoderBlock
from tf_transformer.layers.encoder import Encoder
from tf_transformer.layers.masks import combine_masks


@keras.saving.register_keras_serializable(package="tf_transformer")
class Decoder(Encoder):
    """A stack of N decoder blocks.

    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762).
    With pre-norm, a final normalization follows the stack.

    Args:
        num_layers: Integer. Number of blocks N.
        name: Optional name of the layer.
        dtype: Optional dtype policy, for all blocks.
        trainable: Whether the weights are trained. Defaults to `True`.
        autocast: Whether float inputs are cast to the compute dtype, here and in all
            blocks. Defaults to `True`.
        **block_arguments: The arguments of `DecoderBlock`.

    Call arguments:
        inputs: Tensor `(B, T, d_model)`: embeddings with positions.
        encoder_output: Tensor `(B, S, d_model)`.
        padding_mask: Optional bool tensor `(B, T)`, `True` = real token of the target.
        encoder_padding_mask: Optional bool tensor `(B, S)`, `True` = real token of the
            source.
        self_attention_mask: Optional bool tensor `(T, T)`, `(B, T, T)` or
            `(B, 1, T)`, `True` = may attend. Combined with the other masks.
        cross_attention_mask: Optional bool tensor `(T, S)`, `(B, T, S)` or
            `(B, 1, S)`. Combined with the other masks.
        use_causal_mask: If `False`, a position may also attend to later ones.
            Defaults to `True`.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, T, d_model)`.

    Raises:
        ValueError: If the inputs have another width, or a mask another shape.

    Example:

    >>> decoder = Decoder(num_layers=2, d_model=8, num_heads=2, d_ff=16)
    >>> decoder(keras.ops.ones((2, 3, 8)), keras.ops.ones((2, 5, 8))).shape
    TensorShape([2, 3, 8])

    Shape letters: B batch, T target length, S source length, K hypotheses of a
    sentence, L length of the cache, h heads.
    """

    def _make_block(self, **arguments):
        return DecoderBlock(**arguments)

    def call(
        self,
        inputs,
        encoder_output,
        padding_mask=None,
        encoder_padding_mask=None,
        self_attention_mask=None,
        cross_attention_mask=None,
        use_causal_mask=True,
        training=None,
    ):
        self_mask = combine_masks(
            inputs,
            inputs,
            padding_mask=padding_mask,
            attention_mask=self_attention_mask,
            use_causal_mask=use_causal_mask,
        )
        cross_mask = combine_masks(
            inputs,
            encoder_output,
            padding_mask=encoder_padding_mask,
            attention_mask=cross_attention_mask,
        )
        x = inputs
        for block in self.blocks:
            x = block(
                x,
                encoder_output,
                self_attention_mask=self_mask,
                cross_attention_mask=cross_mask,
                use_causal_mask=False,  # it is part of self_mask
                training=training,
            )
        return self._finish(x)

    def build(self, inputs_shape, encoder_output_shape=None):
        super().build(inputs_shape)

    def compute_output_shape(self, inputs_shape, encoder_output_shape=None):
        return inputs_shape

    def start(self, encoder_output, max_length, beam_size=1):
        """Makes empty caches, and computes the source's keys and values once.

        Args:
            encoder_output: Tensor `(B, S, d_model)`.
            max_length: Integer or scalar tensor L, the maximum length of the caches.
            beam_size: Integer K, hypotheses of a sentence. Defaults to 1.

        Returns:
            Two dictionaries by block name: the source's `"keys"` and `"values"`,
            tensors `(B, h, S, d_k)`, and the caches, see `DecoderBlock.start`.
        """
        source, caches = {}, {}
        for block in self.blocks:
            source[block.name], caches[block.name] = block.start(
                encoder_output, max_length, beam_size
            )
        return source, caches

    def step(self, inputs, caches, source, position, encoder_padding_mask=None):
        """Computes one position of each hypothesis (see `DecoderBlock.step`).

        Args:
            inputs: Tensor `(B, K, d_model)`.
            caches: Second result of `start`, or of the previous step.
            source: First result of `start`.
            position: Integer scalar tensor.
            encoder_padding_mask: Optional bool tensor `(B, S)`.

        Returns:
            Tensor `(B, K, d_model)` and the caches with the new position.
        """
        x, new_caches = inputs, {}
        for block in self.blocks:
            x, new_caches[block.name] = block.step(
                x,
                caches[block.name],
                source[block.name],
                position,
                encoder_padding_mask,
            )
        return self._finish(x), new_caches
