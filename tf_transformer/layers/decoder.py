"""The decoder (section 3.1, figure 1 right)."""

import keras
from keras import ops

from tf_transformer.layers.encoder import Encoder, EncoderBlock
from tf_transformer.layers.intermediates import sow
from tf_transformer.layers.masks import combine_masks, keys_mask


@keras.saving.register_keras_serializable(package="tf_transformer")
class DecoderBlock(EncoderBlock):
    """One decoder layer: self-attention, cross-attention, feed-forward network.

    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762),
    figure 1 right. The self-attention is causal: a position sees itself and the past.
    The cross-attention sees the encoder's output. Around each sub-layer:

        post-norm (the paper):  x = LayerNorm(x + Dropout(Sublayer(x)))
        pre-norm:               x = x + Dropout(Sublayer(LayerNorm(x)))

    Args:
        **kwargs: The arguments of `EncoderBlock`. `attention` makes both attentions.

    Call arguments:
        inputs: Tensor `(B, T, d_model)`.
        encoder_output: Tensor `(B, S, d_model)`.
        padding_mask: Optional bool tensor `(B, T)`, `True` = real token of the target.
        encoder_padding_mask: Optional bool tensor `(B, S)`, `True` = real token of the
            source.
        self_attention_mask: Optional bool tensor `(T, T)`, `(B, T, T)` or
            `(B, 1, T)`, `True` = may attend. It hides keys in addition.
        cross_attention_mask: Optional bool tensor `(T, S)`, `(B, T, S)` or
            `(B, 1, S)`. It hides keys in addition.
        use_causal_mask: If `False`, a position sees the future too. Defaults to
            `True`.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, T, d_model)`.

    Example:

    >>> block = DecoderBlock(d_model=8, num_heads=2, d_ff=16)
    >>> block(keras.ops.ones((2, 3, 8)), keras.ops.ones((2, 5, 8))).shape
    TensorShape([2, 3, 8])

    Shape letters: B batch, T target length, S source length, K hypotheses of a
    sentence, L length of the cache, h heads.
    """

    def _make_sublayers(self):
        super()._make_sublayers()
        self.cross_attention = self._attention("cross_attention")
        self.cross_attention_norm = self.make_norm("cross_attention_norm")
        self.cross_attention_dropout = self._dropout("cross_attention_dropout")

    def build(self, input_shape):
        self.cross_attention.build(input_shape, input_shape)
        self.cross_attention_norm.build(input_shape)
        super().build(input_shape)

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

        def self_attention(x):
            return self.self_attention(
                x, x, attention_mask=self_mask, training=training
            )

        def cross_attention(x):
            return self.cross_attention(
                x, encoder_output, attention_mask=cross_mask, training=training
            )

        return self._sublayers(inputs, self_attention, cross_attention, training)

    def _sublayers(self, x, self_attention, cross_attention, training=False):
        """The three sub-layers, each with its residual connection and normalization.

        Args:
            x: Tensor `(B, T, d_model)`.
            self_attention: Function from x to the self-attention's output.
            cross_attention: Function from x to the cross-attention's output.
            training: Whether dropout is active.

        Returns:
            Tensor `(B, T, d_model)`.
        """
        norm_1, drop_1 = self.self_attention_norm, self.self_attention_dropout
        norm_2, drop_2 = self.cross_attention_norm, self.cross_attention_dropout
        norm_3, drop_3 = self.feed_forward_norm, self.feed_forward_dropout
        if self.normalize_first:
            x = x + drop_1(self_attention(norm_1(x)), training=training)
            x = x + drop_2(cross_attention(norm_2(x)), training=training)
            x = x + drop_3(self.feed_forward(norm_3(x)), training=training)
        else:
            x = norm_1(x + drop_1(self_attention(x), training=training))
            x = norm_2(x + drop_2(cross_attention(x), training=training))
            x = norm_3(x + drop_3(self.feed_forward(x), training=training))
        sow(self, output=x)
        return x

    def step(self, inputs, cache, source, position, encoder_padding_mask=None):
        """Computes one position of each hypothesis, with cached keys and values.

        Args:
            inputs: Tensor `(B, K, d_model)`: one vector for each of K hypotheses.
            cache: Dictionary with `"keys"` and `"values"`, tensors
                `(B * K, h, L, d_k)` of the positions so far.
            source: Dictionary with `"keys"` and `"values"` of the source, tensors
                `(B, h, S, d_k)`.
            position: Integer scalar tensor, the position of the new tokens.
            encoder_padding_mask: Optional bool tensor `(B, S)`.

        Returns:
            Tensor `(B, K, d_model)` and the cache with the new position.
        """
        new_cache = {}

        def self_attention(x):
            rows = ops.reshape(x, (-1, 1, self.d_model))  # (B * K, 1, d_model)
            keys, values = self.self_attention.keys_and_values(rows)
            new_cache["keys"] = _write_cache(cache["keys"], keys, position)
            new_cache["values"] = _write_cache(cache["values"], values, position)
            length = ops.shape(new_cache["keys"])[2]
            past = (ops.arange(length) <= position)[None, None]
            y, _ = self.self_attention.attend(
                rows, new_cache["keys"], new_cache["values"], past
            )
            return ops.reshape(y, ops.shape(x))

        def cross_attention(x):
            # the K hypotheses of a sentence are K queries to the same source
            mask = encoder_padding_mask
            y, _ = self.cross_attention.attend(
                x,
                source["keys"],
                source["values"],
                None if mask is None else keys_mask(mask),
            )
            return y

        return self._sublayers(inputs, self_attention, cross_attention), new_cache

    def compute_output_shape(self, inputs_shape, encoder_output_shape=None):
        return inputs_shape


def _write_cache(cache, vectors, position):
    """Writes `vectors` `(B, h, 1, d_k)` at a position of the cache `(B, h, L, d_k)`.

    Only the new vectors are moved, however long the cache is. `slice_update` would do
    the same, but not in every runtime of an export.
    """
    batch_size, num_heads, length, d_k = ops.shape(cache)
    rows = ops.arange(batch_size * num_heads)
    indices = ops.stack([rows, ops.zeros_like(rows) + position], axis=1)
    flat = ops.reshape(cache, (-1, length, d_k))
    flat = ops.scatter_update(flat, indices, ops.reshape(vectors, (-1, d_k)))
    return ops.reshape(flat, (batch_size, num_heads, length, d_k))


@keras.saving.register_keras_serializable(package="tf_transformer")
class Decoder(Encoder):
    """A stack of N decoder blocks.

    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762).
    With pre-norm a last normalization follows the stack.

    Args:
        **kwargs: The arguments of `Encoder`; the blocks are `DecoderBlock`.

    Call arguments:
        inputs: Tensor `(B, T, d_model)`: embeddings with positions.
        encoder_output: Tensor `(B, S, d_model)`.
        padding_mask: Optional bool tensor `(B, T)`, `True` = real token of the target.
        encoder_padding_mask: Optional bool tensor `(B, S)`, `True` = real token of the
            source.
        self_attention_mask: Optional bool tensor `(T, T)`, `(B, T, T)` or
            `(B, 1, T)`, `True` = may attend. It hides keys in addition.
        cross_attention_mask: Optional bool tensor `(T, S)`, `(B, T, S)` or
            `(B, 1, S)`. It hides keys in addition.
        use_causal_mask: If `False`, a position sees the future too. Defaults to
            `True`.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, T, d_model)`.

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

    def compute_output_shape(self, inputs_shape, encoder_output_shape=None):
        return inputs_shape

    def start(self, encoder_output, max_length, beam_size=1):
        """Makes empty caches, and computes the source's keys and values once.

        Args:
            encoder_output: Tensor `(B, S, d_model)`.
            max_length: Integer or scalar tensor L, the fixed length of the caches.
            beam_size: Integer K, hypotheses of a sentence. Defaults to 1.

        Returns:
            Two dictionaries by block name: the source's `"keys"` and `"values"`,
            tensors `(B, h, S, d_k)`, and the caches, tensors `(B * K, h, L, d_k)`.
        """
        num_rows = ops.shape(encoder_output)[0] * beam_size
        source, caches = {}, {}
        for block in self.blocks:
            keys, values = block.cross_attention.keys_and_values(encoder_output)
            source[block.name] = {"keys": keys, "values": values}
            shape = (num_rows, keys.shape[1], max_length, keys.shape[3])
            empty = ops.zeros(shape, dtype=keys.dtype)
            caches[block.name] = {"keys": empty, "values": empty}
        return source, caches

    def step(self, inputs, caches, source, position, encoder_padding_mask=None):
        """Computes one position of each hypothesis (see `DecoderBlock.step`).

        Args:
            inputs: Tensor `(B, K, d_model)`.
            caches: Second result of `start`, or of the step before.
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
