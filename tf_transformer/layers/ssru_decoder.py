"""The decoder with SSRUs in place of self-attention."""

import keras
from keras import ops

from tf_transformer.layers.base import build_sublayer
from tf_transformer.layers.decoder import Decoder
from tf_transformer.layers.decoder_block import DecoderBlock
from tf_transformer.layers.masks import combine_masks
from tf_transformer.layers.ssru import SSRU


@keras.saving.register_keras_serializable(package="tf_transformer")
class SSRUDecoderBlock(DecoderBlock):
    """One decoder layer: SSRU, cross-attention, feed-forward network.

    The decoder of [Kim et al., 2019](https://aclanthology.org/D19-5632). `SSRU` takes
    the place of self-attention, with the same residual connection and normalization.
    It has no attention weights.

    Args:
        d_model: Integer. Width of input and output.
        num_heads: Integer. Number of attention heads.
        d_ff: Integer. Inner width of the feed-forward network.
        dropout_rate: Float in [0, 1). On every sub-layer's output. Defaults to 0.
        attention_dropout_rate: Float in [0, 1). On the attention weights. Defaults
            to 0.
        activation: Activation of the feed-forward network, a name or a function.
            Defaults to `"relu"`.
        normalize_first: `False` for post-norm (the paper), `True` for pre-norm.
        norm: Class or function, called with `dtype` and `name`. Defaults to
            `LayerNormalization`.
        attention: Class or function, called with `d_model`, `num_heads`,
            `dropout_rate`, `dtype` and `name`. Makes the cross-attention.
            Defaults to `MultiHeadAttention`.
        feed_forward: Class or function, called with `d_model`, `d_ff`, `activation`,
            `dtype` and `name`. Defaults to `FeedForward`.
        norm_epsilon: Optional float, passed to `norm` as `epsilon`. By default,
            `norm` uses its own epsilon.

    Call arguments:
        inputs: Tensor `(B, T, d_model)`.
        encoder_output: Tensor `(B, S, d_model)`.
        padding_mask: Optional bool tensor `(B, T)`, `True` = real token of the target.
            Padding leaves the state unchanged.
        encoder_padding_mask: Optional bool tensor `(B, S)`, `True` = real token of the
            source.
        cross_attention_mask: Optional bool tensor `(T, S)`, `(B, T, S)` or
            `(B, 1, S)`, `True` = may attend. Combined with the other masks.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, T, d_model)`.

    Raises:
        ValueError: If the inputs have another width, or a mask another shape.

    Example:

    >>> block = SSRUDecoderBlock(d_model=8, num_heads=2, d_ff=16)
    >>> block(keras.ops.ones((2, 3, 8)), keras.ops.ones((2, 5, 8))).shape
    TensorShape([2, 3, 8])

    Shape letters: B batch, T target length, S source length, K hypotheses of a
    sentence.
    """

    def _make_first_sublayer(self):
        self.ssru = SSRU(d_model=self.d_model, **self.sublayer_arguments("ssru"))
        self.ssru_norm = self.make_norm("ssru_norm")
        self.ssru_dropout = self._dropout("ssru_dropout")

    def _build_first_sublayer(self, input_shape):
        self.ssru.build(input_shape)
        build_sublayer(self.ssru_norm, input_shape)

    def _first_norm_and_dropout(self):
        return self.ssru_norm, self.ssru_dropout

    def call(
        self,
        inputs,
        encoder_output,
        padding_mask=None,
        encoder_padding_mask=None,
        cross_attention_mask=None,
        training=None,
    ):
        cross_mask = combine_masks(
            inputs,
            encoder_output,
            padding_mask=encoder_padding_mask,
            attention_mask=cross_attention_mask,
        )

        def ssru(x):
            return self.ssru(x, padding_mask=padding_mask)

        def cross_attention(x):
            return self.cross_attention(
                x, encoder_output, attention_mask=cross_mask, training=training
            )

        return self._sublayers(inputs, ssru, cross_attention, training)

    def _empty_cache(self, num_sentences, beam_size, keys, max_length):
        shape = (num_sentences * beam_size, self.d_model)
        state = ops.zeros(shape, dtype=self.ssru.state_dtype)
        return {"state": state}

    def step(self, inputs, cache, source, position, encoder_padding_mask=None):
        """Computes one position of each hypothesis, with the SSRU's state.

        Args:
            inputs: Tensor `(B, K, d_model)`: one vector for each of K hypotheses.
            cache: Dictionary with `"state"`, tensor `(B * K, d_model)`.
            source: Dictionary with `"keys"` and `"values"` of the source, tensors
                `(B, h, S, d_k)`.
            position: Not used.
            encoder_padding_mask: Optional bool tensor `(B, S)`.

        Returns:
            Tensor `(B, K, d_model)` and the cache with the next state.
        """
        new_cache = {}

        def ssru(x):
            rows = ops.reshape(x, (-1, self.d_model))  # (B * K, d_model)
            y, new_cache["state"] = self.ssru.step(rows, cache["state"])
            return ops.reshape(y, ops.shape(x))

        cross_attention = self._source_attention(source, encoder_padding_mask)
        return self._sublayers(inputs, ssru, cross_attention), new_cache


@keras.saving.register_keras_serializable(package="tf_transformer")
class SSRUDecoder(Decoder):
    """A stack of N decoder blocks with SSRUs in place of self-attention.

    [Kim et al., 2019](https://aclanthology.org/D19-5632), as in
    [Marian](https://marian-nmt.github.io)'s option `transformer-decoder-autoreg: rnn`
    with `dec-cell: ssru`. Pass the class to the model:
    `Transformer(..., decoder=SSRUDecoder)`.

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
        cross_attention_mask: Optional bool tensor `(T, S)`, `(B, T, S)` or
            `(B, 1, S)`, `True` = may attend. Combined with the other masks.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, T, d_model)`.

    Example:

    >>> decoder = SSRUDecoder(num_layers=2, d_model=8, num_heads=2, d_ff=16)
    >>> decoder(keras.ops.ones((2, 3, 8)), keras.ops.ones((2, 5, 8))).shape
    TensorShape([2, 3, 8])

    Shape letters: B batch, T target length, S source length.
    """

    def _make_block(self, **arguments):
        return SSRUDecoderBlock(**arguments)

    def call(
        self,
        inputs,
        encoder_output,
        padding_mask=None,
        encoder_padding_mask=None,
        cross_attention_mask=None,
        training=None,
    ):
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
                padding_mask=padding_mask,
                cross_attention_mask=cross_mask,
                training=training,
            )
        return self._finish(x)
