"""One layer of the encoder (section 3.1, figure 1 left)."""

import keras

from tf_transformer.layers.attention import MultiHeadAttention
from tf_transformer.layers.base import (
    BaseLayer,
    build_sublayer,
    check_epsilon,
    check_rates,
    check_sizes,
    check_width,
    factory_name,
    layer_factory,
)
from tf_transformer.layers.feed_forward import FeedForward, activation_name
from tf_transformer.layers.intermediates import sow
from tf_transformer.layers.masks import combine_masks
from tf_transformer.layers.normalization import LayerNormalization


@keras.saving.register_keras_serializable(package="tf_transformer")
class EncoderBlock(BaseLayer):
    """One encoder layer: self-attention, then the feed-forward network.

    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762),
    figure 1 left. Around each sub-layer:

        post-norm (the paper):  x = LayerNorm(x + Dropout(Sublayer(x)))
        pre-norm:               x = x + Dropout(Sublayer(LayerNorm(x)))

    Sub-layers can be exchanged: pass a class, or a function that returns a layer (see
    `docs/extending.md`).

    Differs from the paper: `normalize_first=True` (pre-norm) is an option; a stack of
    such blocks needs one more normalization at its end, which `Encoder` and `Decoder`
    add.

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
            `dropout_rate`, `dtype` and `name`. Defaults to `MultiHeadAttention`.
        feed_forward: Class or function, called with `d_model`, `d_ff`, `activation`,
            `dtype` and `name`. Defaults to `FeedForward`.
        norm_epsilon: Optional float, passed to `norm` as `epsilon`. By default,
            `norm` uses its own epsilon.

    Call arguments:
        inputs: Tensor `(B, S, d_model)`.
        padding_mask: Optional bool tensor `(B, S)`, `True` = real token. Padding is
            hidden from every query.
        self_attention_mask: Optional bool tensor `(S, S)`, `(B, S, S)` or
            `(B, 1, S)`, `True` = may attend. Combined with the other masks.
        use_causal_mask: If `True`, a position attends only to itself and earlier ones.
            Defaults to `False`.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, S, d_model)`.

    Raises:
        ValueError: If the inputs have another width, or a mask another shape.

    Example:

    >>> block = EncoderBlock(d_model=8, num_heads=2, d_ff=16)
    >>> block(keras.ops.ones((2, 5, 8))).shape
    TensorShape([2, 5, 8])

    Shape letters: B batch, S source length.
    """

    def __init__(
        self,
        *,
        d_model,
        num_heads,
        d_ff,
        dropout_rate=0.0,
        attention_dropout_rate=0.0,
        activation="relu",
        normalize_first=False,
        norm=LayerNormalization,
        attention=MultiHeadAttention,
        feed_forward=FeedForward,
        norm_epsilon=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_sizes(d_model=d_model, num_heads=num_heads, d_ff=d_ff)
        check_rates(
            dropout_rate=dropout_rate, attention_dropout_rate=attention_dropout_rate
        )
        check_epsilon(norm_epsilon)
        self.d_model = d_model
        self.num_heads = num_heads
        self.d_ff = d_ff
        self.dropout_rate = dropout_rate
        self.attention_dropout_rate = attention_dropout_rate
        self.activation = keras.activations.get(activation)
        self.normalize_first = normalize_first
        self.norm_epsilon = norm_epsilon
        self.norm_factory = layer_factory(norm)
        self.attention_factory = layer_factory(attention)
        self.feed_forward_factory = layer_factory(feed_forward)
        self._make_sublayers()

    def _make_sublayers(self):
        self._make_first_sublayer()
        self.feed_forward = self.make_sublayer(
            self.feed_forward_factory,
            "feed_forward",
            d_model=self.d_model,
            d_ff=self.d_ff,
            activation=self.activation,
        )
        self.feed_forward_norm = self.make_norm("feed_forward_norm")
        self.feed_forward_dropout = self._dropout("feed_forward_dropout")

    def _make_first_sublayer(self):
        self.self_attention = self._attention("attention")
        self.self_attention_norm = self.make_norm("attention_norm")
        self.self_attention_dropout = self._dropout("attention_dropout")

    def _attention(self, name):
        return self.make_sublayer(
            self.attention_factory,
            name,
            d_model=self.d_model,
            num_heads=self.num_heads,
            dropout_rate=self.attention_dropout_rate,
        )

    def make_norm(self, name):
        """Makes another normalization of the block's type.

        Args:
            name: Name of the layer.

        Returns:
            A new layer.
        """
        epsilon = self.norm_epsilon
        arguments = {} if epsilon is None else {"epsilon": epsilon}
        return self.make_sublayer(self.norm_factory, name, **arguments)

    def _dropout(self, name):
        return keras.layers.Dropout(self.dropout_rate, **self.sublayer_arguments(name))

    def build(self, input_shape):
        check_width(input_shape, self.d_model)
        self._build_first_sublayer(input_shape)
        build_sublayer(self.feed_forward, input_shape)
        build_sublayer(self.feed_forward_norm, input_shape)
        self.built = True

    def _build_first_sublayer(self, input_shape):
        build_sublayer(self.self_attention, input_shape, input_shape)
        build_sublayer(self.self_attention_norm, input_shape)

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

        def attention(x):
            return self.self_attention(x, x, attention_mask=mask, training=training)

        norm_1, norm_2 = self.self_attention_norm, self.feed_forward_norm
        drop_1, drop_2 = self.self_attention_dropout, self.feed_forward_dropout
        x = inputs
        if self.normalize_first:
            x = x + drop_1(attention(norm_1(x)), training=training)
            x = x + drop_2(self.feed_forward(norm_2(x)), training=training)
        else:
            x = norm_1(x + drop_1(attention(x), training=training))
            x = norm_2(x + drop_2(self.feed_forward(x), training=training))
        sow(self, output=x)
        return x

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "d_model": self.d_model,
            "num_heads": self.num_heads,
            "d_ff": self.d_ff,
            "dropout_rate": self.dropout_rate,
            "attention_dropout_rate": self.attention_dropout_rate,
            "activation": activation_name(self.activation),
            "normalize_first": self.normalize_first,
            "norm": factory_name(self.norm_factory),
            "attention": factory_name(self.attention_factory),
            "feed_forward": factory_name(self.feed_forward_factory),
            "norm_epsilon": self.norm_epsilon,
        }
