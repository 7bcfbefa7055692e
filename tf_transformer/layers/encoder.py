"""The encoder (section 3.1, figure 1 left)."""

import keras

from tf_transformer.layers.attention import MultiHeadAttention
from tf_transformer.layers.feed_forward import FeedForward
from tf_transformer.layers.normalization import make_normalization, normalize
from tf_transformer.layers.record import note
from tf_transformer.layers.residual import Residual


@keras.saving.register_keras_serializable(package="tf_transformer")
class EncoderBlock(keras.layers.Layer):
    """One encoder layer: self-attention, then the feed-forward network.

    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762),
    figure 1 left. Each of the two sub-layers stands inside a `Residual`. A subclass
    may name other sub-layers in `attention_class` and `feed_forward_class`.

    Args:
        d_model: Integer. Width of input and output.
        num_heads: Integer. Number of attention heads.
        d_ff: Integer. Width of the feed-forward network's middle.
        dropout_rate: Float in [0, 1). After every sub-layer.
        attention_dropout_rate: Float in [0, 1). On the attention weights.
        activation: Activation of the feed-forward network. Defaults to `"relu"`.
        normalize_first: `False` for post-norm (the paper), `True` for pre-norm.
        normalization: One of the kinds of `make_normalization`. Defaults to
            `"layer"`.

    Call arguments:
        inputs: Tensor `(B, S, d_model)`.
        self_attention_mask: Optional bool tensor `(B, 1, S)` or `(B, S, S)`.
        padding_mask: Optional bool tensor `(B, S)`: real tokens, for BatchNorm.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, S, d_model)`.

    Example:

    >>> block = EncoderBlock(d_model=8, num_heads=2, d_ff=16)
    >>> block(keras.ops.ones((2, 5, 8))).shape
    TensorShape([2, 5, 8])

    Shape letters: B batch, S source length.
    """

    attention_class = MultiHeadAttention
    feed_forward_class = FeedForward

    def __init__(
        self,
        d_model,
        num_heads,
        d_ff,
        dropout_rate=0.0,
        attention_dropout_rate=0.0,
        activation="relu",
        normalize_first=False,
        normalization="layer",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.d_model = d_model
        self.num_heads = num_heads
        self.d_ff = d_ff
        self.dropout_rate = dropout_rate
        self.attention_dropout_rate = attention_dropout_rate
        self.activation = activation
        self.normalize_first = normalize_first
        self.normalization = normalization
        dtype = self.dtype_policy
        self.self_attention = self.attention_class(
            d_model, num_heads, attention_dropout_rate, dtype=dtype, name="attention"
        )
        self.feed_forward = self.feed_forward_class(
            d_model, d_ff, activation, dtype=dtype, name="feed_forward"
        )
        self.self_attention_residual, self.feed_forward_residual = (
            self._residual(name)
            for name in ("attention_residual", "feed_forward_residual")
        )

    def _residual(self, name):
        return Residual(
            self.dropout_rate,
            self.normalize_first,
            self.normalization,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape):
        self.self_attention.build(input_shape, input_shape)
        self.feed_forward.build(input_shape)
        self.self_attention_residual.build(input_shape)
        self.feed_forward_residual.build(input_shape)
        self.built = True

    def call(self, inputs, self_attention_mask=None, padding_mask=None, training=None):
        mode = {"padding_mask": padding_mask, "training": training}
        x = self.self_attention_residual.before(inputs, **mode)
        y = self.self_attention(
            x, x, attention_mask=self_attention_mask, training=training
        )
        x = self.self_attention_residual(inputs, y, **mode)
        y = self.feed_forward(self.feed_forward_residual.before(x, **mode))
        x = self.feed_forward_residual(x, y, **mode)
        note(self, output=x)
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
            "activation": self.activation,
            "normalize_first": self.normalize_first,
            "normalization": self.normalization,
        }


@keras.saving.register_keras_serializable(package="tf_transformer")
class Encoder(keras.layers.Layer):
    """A stack of N encoder blocks.

    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762).
    With pre-norm a last normalization stands above the stack. A subclass may name
    another block in `block_class`.

    Args:
        num_layers: Integer. Number of blocks N.
        **block_arguments: The arguments of `EncoderBlock`.

    Call arguments:
        inputs: Tensor `(B, S, d_model)`: embeddings with positions.
        self_attention_mask: Optional bool tensor `(B, 1, S)` or `(B, S, S)`.
        padding_mask: Optional bool tensor `(B, S)`: real tokens, for BatchNorm.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, S, d_model)`.

    Example:

    >>> encoder = Encoder(num_layers=2, d_model=8, num_heads=2, d_ff=16)
    >>> encoder(keras.ops.ones((2, 5, 8))).shape
    TensorShape([2, 5, 8])

    Shape letters: B batch, S source length.
    """

    block_class = EncoderBlock

    def __init__(
        self, num_layers, *, name=None, dtype=None, trainable=True, **block_arguments
    ):
        super().__init__(name=name, dtype=dtype, trainable=trainable)
        self.num_layers = num_layers
        self.block_arguments = block_arguments
        self.blocks = [
            self.block_class(
                **block_arguments, dtype=self.dtype_policy, name=f"block_{i}"
            )
            for i in range(num_layers)
        ]
        self.final_norm = (
            make_normalization(
                block_arguments.get("normalization", "layer"),
                self.dtype_policy,
                name="final_norm",
            )
            if block_arguments.get("normalize_first")
            else None
        )

    def build(self, input_shape):
        for block in self.blocks:
            block.build(input_shape)
        if self.final_norm is not None:
            self.final_norm.build(input_shape)
        self.built = True

    def call(self, inputs, self_attention_mask=None, padding_mask=None, training=None):
        x = inputs
        for block in self.blocks:
            x = block(
                x,
                self_attention_mask=self_attention_mask,
                padding_mask=padding_mask,
                training=training,
            )
        return self.finish(x, padding_mask, training)

    def finish(self, x, padding_mask=None, training=None):
        """The last normalization, if the stack has one."""
        if self.final_norm is None:
            return x
        return normalize(self.final_norm, x, padding_mask, training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            **self.block_arguments,
        }
