"""One layer of the decoder (section 3.1, figure 1 right)."""

import keras
from keras import ops

from tf_transformer.layers.base import build_sublayer, check_width
from tf_transformer.layers.cache import empty_cache
from tf_transformer.layers.cached_attention import attend_to_cache, may_share_cache
from tf_transformer.layers.encoder_block import EncoderBlock
from tf_transformer.layers.intermediates import sow
from tf_transformer.layers.masks import combine_masks, keys_mask


@keras.saving.register_keras_serializable(package="tf_transformer")
class DecoderBlock(EncoderBlock):
    """One decoder layer: self-attention, cross-attention, feed-forward network.

    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762),
    figure 1 right. Self-attention is causal: a position attends to itself and earlier
    positions. Cross-attention attends to the encoder's output. Around each sub-layer:

        post-norm (the paper):  x = LayerNorm(x + Dropout(Sublayer(x)))
        pre-norm:               x = x + Dropout(Sublayer(LayerNorm(x)))

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
            `dropout_rate`, `dtype` and `name`. Makes both attentions.
            Defaults to `MultiHeadAttention`.
        feed_forward: Class or function, called with `d_model`, `d_ff`, `activation`,
            `dtype` and `name`. Defaults to `FeedForward`.
        norm_epsilon: Optional float, passed to `norm` as `epsilon`. By default,
            `norm` uses its own epsilon.

    Call arguments:
        inputs: Tensor `(B, T, d_model)`.
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

    def build(self, inputs_shape, encoder_output_shape=None):
        check_width(inputs_shape, self.d_model)  # before anything is built
        build_sublayer(self.cross_attention, inputs_shape, inputs_shape)
        build_sublayer(self.cross_attention_norm, inputs_shape)
        super().build(inputs_shape)

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

    def _first_norm_and_dropout(self):
        return self.self_attention_norm, self.self_attention_dropout

    def _sublayers(self, x, first_sublayer, cross_attention, training=False):
        """The three sub-layers, each with its residual connection and normalization.

        Args:
            x: Tensor `(B, T, d_model)`.
            first_sublayer: Function from x to the output of the self-attention, or of
                the layer that replaces it.
            cross_attention: Function from x to the cross-attention's output.
            training: Whether dropout is active.

        Returns:
            Tensor `(B, T, d_model)`.
        """
        norm_1, drop_1 = self._first_norm_and_dropout()
        norm_2, drop_2 = self.cross_attention_norm, self.cross_attention_dropout
        norm_3, drop_3 = self.feed_forward_norm, self.feed_forward_dropout
        if self.normalize_first:
            x = x + drop_1(first_sublayer(norm_1(x)), training=training)
            x = x + drop_2(cross_attention(norm_2(x)), training=training)
            x = x + drop_3(self.feed_forward(norm_3(x)), training=training)
        else:
            x = norm_1(x + drop_1(first_sublayer(x), training=training))
            x = norm_2(x + drop_2(cross_attention(x), training=training))
            x = norm_3(x + drop_3(self.feed_forward(x), training=training))
        sow(self, output=x)
        return x

    def start(self, encoder_output, max_length, beam_size=1):
        """Makes an empty cache, and computes the source's keys and values once.

        Args:
            encoder_output: Tensor `(B, S, d_model)`.
            max_length: Integer or scalar tensor L, the maximum length of the cache.
            beam_size: Integer K, hypotheses of a sentence. Defaults to 1.

        Returns:
            The arguments `source` and `cache` of `step`. In TensorFlow's plain graph
            the cache is empty and grows in each step; otherwise it has the length L
            (see `layers/cache.py`).
        """
        keys, values = self.cross_attention.keys_and_values(encoder_output)
        num_sentences = ops.shape(encoder_output)[0]
        cache = self._empty_cache(num_sentences, beam_size, keys, max_length)
        return {"keys": keys, "values": values}, cache

    def _empty_cache(self, num_sentences, beam_size, keys, max_length):
        may_share = may_share_cache(self.self_attention)
        return empty_cache(num_sentences, beam_size, keys, max_length, may_share)

    def step(self, inputs, cache, source, position, encoder_padding_mask=None):
        """Computes one position of each hypothesis, with cached keys and values.

        Args:
            inputs: Tensor `(B, K, d_model)`: one vector for each of K hypotheses.
            cache: Keys and values of the positions so far: second result of `start`
                or of the previous step.
            source: Dictionary with `"keys"` and `"values"` of the source, tensors
                `(B, h, S, d_k)`.
            position: Integer scalar tensor, the position of the new tokens.
            encoder_padding_mask: Optional bool tensor `(B, S)`.

        Returns:
            Tensor `(B, K, d_model)` and the cache with the new position.
        """
        new_cache = {}

        def self_attention(x):
            y, new = attend_to_cache(self.self_attention, x, cache, position)
            new_cache.update(new)
            return y

        cross_attention = self._source_attention(source, encoder_padding_mask)
        return self._sublayers(inputs, self_attention, cross_attention), new_cache

    def _source_attention(self, source, encoder_padding_mask):
        """Cross-attention to the keys and values of `start`, as a function."""

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

        return cross_attention

    def compute_output_shape(self, inputs_shape, encoder_output_shape=None):
        return inputs_shape
