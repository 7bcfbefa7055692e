"""The decoder (section 3.1, figure 1 right)."""

import keras
from keras import ops

from tf_transformer.layers.encoder import Encoder, EncoderBlock
from tf_transformer.layers.record import note


@keras.saving.register_keras_serializable(package="tf_transformer")
class DecoderBlock(EncoderBlock):
    """One decoder layer: self-attention, cross-attention, feed-forward network.

    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762),
    figure 1 right. The self-attention sees the past only (its mask says so), the
    cross-attention sees the encoder's output.

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
        inputs: Tensor `(B, T, d_model)`.
        encoder_output: Tensor `(B, S, d_model)`.
        self_attention_mask: Optional bool tensor `(B, T, T)`.
        cross_attention_mask: Optional bool tensor `(B, 1, S)` or `(B, T, S)`.
        padding_mask: Optional bool tensor `(B, T)`: real tokens, for BatchNorm.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, T, d_model)`.

    Example:

    >>> block = DecoderBlock(d_model=8, num_heads=2, d_ff=16)
    >>> block(keras.ops.ones((2, 3, 8)), keras.ops.ones((2, 5, 8))).shape
    TensorShape([2, 3, 8])

    Shape letters: B batch, T target length, S source length.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cross_attention = self.attention_class(
            self.d_model,
            self.num_heads,
            self.attention_dropout_rate,
            dtype=self.dtype_policy,
            name="cross_attention",
        )
        self.cross_attention_residual = self._residual("cross_attention_residual")

    def build(self, input_shape):
        self.cross_attention.build(input_shape, input_shape)
        self.cross_attention_residual.build(input_shape)
        super().build(input_shape)

    def call(
        self,
        inputs,
        encoder_output,
        self_attention_mask=None,
        cross_attention_mask=None,
        padding_mask=None,
        training=None,
    ):
        mode = {"padding_mask": padding_mask, "training": training}
        x = self.self_attention_residual.before(inputs, **mode)
        y = self.self_attention(
            x, x, attention_mask=self_attention_mask, training=training
        )
        x = self.self_attention_residual(inputs, y, **mode)
        source = self.cross_attention.keys_and_values(encoder_output)
        return self._look_at_source(x, source, cross_attention_mask, **mode)

    def step(self, inputs, cache, source, position, cross_attention_mask=None):
        """One token of each hypothesis, with what earlier steps have kept.

        Args:
            inputs: Tensor `(B, K, d_model)`: one vector for each of K hypotheses.
            cache: Dictionary with `"keys"` and `"values"`, tensors
                `(B * K, h, L, d_k)` of the positions so far.
            source: Keys and values of the source, two tensors `(B, h, S, d_k)`.
            position: Integer scalar tensor, where the new tokens stand.
            cross_attention_mask: Optional bool tensor `(B, 1, S)`.

        Returns:
            Tensor `(B, K, d_model)` and the cache with the new position.
        """
        x = self.self_attention_residual.before(inputs)
        rows = ops.reshape(x, (-1, 1, self.d_model))  # each hypothesis by itself
        keys, values = self.self_attention.keys_and_values(rows)
        cache = {
            "keys": _written(cache["keys"], keys, position),
            "values": _written(cache["values"], values, position),
        }
        positions = ops.arange(ops.shape(cache["keys"])[2])
        past_mask = (positions <= position)[None, None]
        y, _ = self.self_attention.attend(
            rows, cache["keys"], cache["values"], past_mask
        )
        x = self.self_attention_residual(inputs, ops.reshape(y, ops.shape(inputs)))
        # the K hypotheses of a sentence look at its one source like K positions
        return self._look_at_source(x, source, cross_attention_mask), cache

    def _look_at_source(
        self, x, source, cross_attention_mask, padding_mask=None, training=False
    ):
        mode = {"padding_mask": padding_mask, "training": training}
        y, _ = self.cross_attention.attend(
            self.cross_attention_residual.before(x, **mode),
            *source,
            cross_attention_mask,
            training,
            need_weights=False,
        )
        x = self.cross_attention_residual(x, y, **mode)
        y = self.feed_forward(self.feed_forward_residual.before(x, **mode))
        x = self.feed_forward_residual(x, y, **mode)
        note(self, output=x)
        return x

    def compute_output_shape(self, inputs_shape, encoder_output_shape=None):
        return inputs_shape


def _written(cache, vectors, position):
    """The cache `(B, h, L, d_k)` with `vectors`, `(B, h, 1, d_k)`, at one position.

    Only what is new is moved, however much room there is. `slice_update` would do it
    too, but not in every runtime of an export.
    """
    batch_size, num_heads, length, d_k = ops.shape(cache)
    rows = ops.arange(batch_size * num_heads)
    places = ops.stack([rows, ops.zeros_like(rows) + position], axis=1)
    flat = ops.reshape(cache, (-1, length, d_k))
    flat = ops.scatter_update(flat, places, ops.reshape(vectors, (-1, d_k)))
    return ops.reshape(flat, (batch_size, num_heads, length, d_k))


@keras.saving.register_keras_serializable(package="tf_transformer")
class Decoder(Encoder):
    """A stack of N decoder blocks.

    Section 3.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762).
    With pre-norm a last normalization stands above the stack.

    Args:
        num_layers: Integer. Number of blocks N.
        **block_arguments: The arguments of `DecoderBlock`.

    Call arguments:
        inputs: Tensor `(B, T, d_model)`: embeddings with positions.
        encoder_output: Tensor `(B, S, d_model)`.
        self_attention_mask: Optional bool tensor `(B, T, T)`.
        cross_attention_mask: Optional bool tensor `(B, 1, S)` or `(B, T, S)`.
        padding_mask: Optional bool tensor `(B, T)`: real tokens, for BatchNorm.
        training: Whether dropout is active.

    Returns:
        Tensor `(B, T, d_model)`.

    Example:

    >>> decoder = Decoder(num_layers=2, d_model=8, num_heads=2, d_ff=16)
    >>> decoder(keras.ops.ones((2, 3, 8)), keras.ops.ones((2, 5, 8))).shape
    TensorShape([2, 3, 8])

    Shape letters: B batch, T target length, S source length.
    """

    block_class = DecoderBlock

    def call(
        self,
        inputs,
        encoder_output,
        self_attention_mask=None,
        cross_attention_mask=None,
        padding_mask=None,
        training=None,
    ):
        x = inputs
        for block in self.blocks:
            x = block(
                x,
                encoder_output,
                self_attention_mask=self_attention_mask,
                cross_attention_mask=cross_attention_mask,
                padding_mask=padding_mask,
                training=training,
            )
        return self.finish(x, padding_mask, training)

    def start(self, encoder_output, num_hypotheses, max_length):
        """Empty caches, and the source's keys and values, computed once.

        Args:
            encoder_output: Tensor `(B, S, d_model)`.
            num_hypotheses: Integer or scalar tensor, B times the beam size K.
            max_length: Integer or scalar tensor L, the caches' fixed length.

        Returns:
            Two dictionaries by block name: the source's `"keys"` and `"values"`,
            tensors `(B, h, S, d_k)`, and the caches, tensors `(B * K, h, L, d_k)`.
        """
        source, caches = {}, {}
        for block in self.blocks:
            keys, values = block.cross_attention.keys_and_values(encoder_output)
            source[block.name] = {"keys": keys, "values": values}
            shape = (num_hypotheses, keys.shape[1], max_length, keys.shape[3])
            empty = ops.zeros(shape, dtype=keys.dtype)
            caches[block.name] = {"keys": empty, "values": empty}
        return source, caches

    def step(self, inputs, caches, source, position, cross_attention_mask=None):
        """One token of each hypothesis through all blocks (see `DecoderBlock.step`).

        Args:
            inputs: Tensor `(B, K, d_model)`.
            caches: Second result of `start`, or of the step before.
            source: First result of `start`.
            position: Integer scalar tensor.
            cross_attention_mask: Optional bool tensor `(B, 1, S)`.

        Returns:
            Tensor `(B, K, d_model)` and the caches with the new position.
        """
        x, new_caches = inputs, {}
        for block in self.blocks:
            keys_and_values = (
                source[block.name]["keys"],
                source[block.name]["values"],
            )
            x, new_caches[block.name] = block.step(
                x, caches[block.name], keys_and_values, position, cross_attention_mask
            )
        return self.finish(x), new_caches
