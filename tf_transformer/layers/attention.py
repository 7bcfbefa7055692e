"""Scaled dot-product attention and multi-head attention (section 3.2)."""

import keras
from keras import ops

from tf_transformer.layers.base import (
    BaseLayer,
    check_rank,
    check_rates,
    check_sizes,
)
from tf_transformer.layers.few_queries import (
    few_queries_softmax,
    has_few_queries,
    product,
)
from tf_transformer.layers.fused_attention import fused_attention, has_kernel
from tf_transformer.layers.intermediates import sow
from tf_transformer.layers.masks import combine_masks

MASKED_SCORE = -1e9  # finite, in float32: exp(-1e9 - max) is 0


def scaled_dot_product_attention(query, key, value, attention_mask=None, dropout=None):
    r"""Equation (1) of the paper, for any number of leading axes.

        Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V

    The softmax is computed in float32. If no key is allowed for
    a query, its weights and its output are 0.

    Args:
        query: Tensor `(..., T, d_k)`.
        key: Tensor `(..., S, d_k)`.
        value: Tensor `(..., S, d_v)`.
        attention_mask: Optional bool tensor that broadcasts to `(..., T, S)`.
            `True` = may attend.
        dropout: Optional function that is applied to the weights.

    Returns:
        The output `(..., T, d_v)` and the weights `(..., T, S)`.

    Example: a query that points along the first key takes mostly its value.

    >>> key = ops.array([[9.0, 0.0], [0.0, 9.0]])
    >>> value = ops.array([[1.0], [2.0]])
    >>> output, weights = scaled_dot_product_attention(key[:1], key, value)
    >>> output.numpy().round(3).tolist()
    [[1.0]]
    """
    d_k = query.shape[-1]
    # Q K^T / sqrt(d_k): (..., T, S)
    scores = product(query * d_k**-0.5, key, transpose_b=True)
    weights = ops.cast(attention_weights(scores, attention_mask), value.dtype)
    used_weights = weights if dropout is None else dropout(weights)
    return product(used_weights, value), weights


def attention_weights(scores, attention_mask=None):
    """The softmax over keys, in float32 or float64; a masked key gets the weight 0.

    Args:
        scores: Tensor `(..., T, S)`.
        attention_mask: Optional bool tensor that broadcasts to the scores.
            `True` = may attend.

    Returns:
        Tensor `(..., T, S)` of the dtype of the scores, at least float32.
    """
    scores = ops.cast(scores, keras.backend.result_type(scores.dtype, "float32"))
    if attention_mask is not None:
        scores = ops.where(attention_mask, scores, MASKED_SCORE)
    if has_few_queries(scores):
        return few_queries_softmax(scores, attention_mask)
    weights = ops.softmax(scores, axis=-1)
    if attention_mask is None:
        return weights
    return ops.where(attention_mask, weights, 0.0)


@keras.saving.register_keras_serializable(package="tf_transformer")
class MultiHeadAttention(BaseLayer):
    r"""Multi-head attention: h attention functions in parallel.

    Section 3.2.2 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762):

        MultiHead(Q, K, V) = Concat(head_1, ..., head_h) W^O
        head_i             = Attention(Q W_i^Q, K W_i^K, V W_i^V)

    In self-attention query, key and value come from the same sentence; in
    cross-attention the query comes from the decoder, key and value from the encoder.

    Paper symbols: h = `num_heads`, d_model = `d_model`, d_k = d_v =
    `d_model // num_heads`.
    Differs from the paper: projections have a bias, as in the authors' own code;
    `dropout_rate` on the attention weights is not in the paper and defaults to 0.

    Args:
        d_model: Integer. Width of input and output. Must be divisible by `num_heads`.
        num_heads: Integer. Number of heads h.
        dropout_rate: Float in [0, 1). Applied to the attention weights. Defaults to 0.

    Call arguments:
        query: Tensor `(B, T, d_model)`.
        value: Tensor `(B, S, d_model)`.
        key: Optional tensor `(B, S, d_model)`. Defaults to `value`.
        attention_mask: Optional bool tensor `(T, S)`, `(B, T, S)` or `(B, 1, S)`.
            `True` = may attend.
        return_attention_scores: If `True`, also return the weights `(B, h, T, S)`.
        training: Whether dropout is active.
        use_causal_mask: If `True`, a query may attend only to keys up to its position.

    Returns:
        Tensor `(B, T, d_model)`, or `(output, weights)`.

    Raises:
        ValueError: If `num_heads` does not divide `d_model`, or a mask has another
            shape.

    Example:

    >>> layer = MultiHeadAttention(d_model=8, num_heads=2)
    >>> layer(ops.ones((1, 3, 8)), ops.ones((1, 5, 8))).shape
    TensorShape([1, 3, 8])

    Shape letters: B batch, T target (query) length, S source (key) length, h heads.
    """

    def __init__(self, *, d_model, num_heads, dropout_rate=0.0, **kwargs):
        super().__init__(**kwargs)
        check_sizes(d_model=d_model, num_heads=num_heads)
        check_rates(dropout_rate=dropout_rate)
        if d_model % num_heads:
            raise ValueError(
                "d_model must be divisible by num_heads so that each head gets an "
                f"equal share. Received: d_model={d_model}, num_heads={num_heads}"
            )
        self.d_model = d_model
        self.num_heads = num_heads
        self.dropout_rate = dropout_rate
        self.query_dense = self._projection("query")
        self.key_dense = self._projection("key")
        self.value_dense = self._projection("value")
        self.output_dense = self._projection("output")
        self.dropout = keras.layers.Dropout(
            dropout_rate, **self.sublayer_arguments("dropout")
        )

    def _projection(self, name):
        return keras.layers.Dense(self.d_model, **self.sublayer_arguments(name))

    def build(self, query_shape, value_shape=None, key_shape=None):
        value_shape = value_shape or query_shape
        self.query_dense.build(query_shape)
        self.key_dense.build(key_shape or value_shape)
        self.value_dense.build(value_shape)
        self.output_dense.build((*query_shape[:-1], self.d_model))
        self.built = True

    def call(
        self,
        query,
        value,
        key=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
        use_causal_mask=False,
    ):
        key = value if key is None else key
        check_rank(query=query, value=value, key=key)
        mask = combine_masks(
            query, key, attention_mask=attention_mask, use_causal_mask=use_causal_mask
        )
        output, weights = self.attend(
            query,
            *self.keys_and_values(value, key),
            mask,
            training,
            need_weights=return_attention_scores,
        )
        return (output, weights) if return_attention_scores else output

    def keys_and_values(self, value, key=None):
        """Projects keys and values, which a decoder caches.

        Args:
            value: Tensor `(B, S, d_model)`.
            key: Optional tensor `(B, S, d_model)`. Defaults to `value`.

        Returns:
            Two tensors `(B, h, S, d_k)`: K W^K and V W^V, by head.
        """
        key = value if key is None else key
        return (
            self.split_heads(self.key_dense(key)),
            self.split_heads(self.value_dense(value)),
        )

    def attend(
        self,
        query,
        keys,
        values,
        attention_mask=None,
        training=None,
        need_weights=True,
    ):
        """Attends to projected keys and values.

        In training on PyTorch, its fused kernel is used if the weights are neither
        returned nor dropped out. It does not store the weights `(B, h, T, S)`.

        Args:
            query: Tensor `(B, T, d_model)`.
            keys: Tensor `(B, h, S, d_k)` of `keys_and_values`.
            values: Tensor `(B, h, S, d_k)` of `keys_and_values`.
            attention_mask: Optional bool tensor `(B, T, S)` or `(B, 1, S)`.
            training: Whether dropout is active.
            need_weights: Whether the weights must be returned.

        Returns:
            The output `(B, T, d_model)` and the weights `(B, h, T, S)`, or `None` if
            they are not needed and the kernel did not return them.
        """
        if attention_mask is not None:
            attention_mask = attention_mask[:, None]  # all heads share it
        query = self.split_heads(self.query_dense(query))
        weights_are_used = need_weights or self.dropout_rate
        if training and not weights_are_used and has_kernel():
            heads, weights = fused_attention(query, keys, values, attention_mask), None
        else:
            heads, weights = scaled_dot_product_attention(
                query,
                keys,
                values,
                attention_mask,
                lambda weights: self.dropout(weights, training=training),
            )
        sow(
            self,
            query=query,
            keys=keys,
            attention_mask=attention_mask,
            weights=weights,
        )
        return self.output_dense(self.merge_heads(heads)), weights

    def split_heads(self, projected):
        """`(B, L, d_model)` to `(B, h, L, d_k)`."""
        length = projected.shape[1]
        batch_size = ops.shape(projected)[0] if length is None else -1
        length = ops.shape(projected)[1] if length is None else length
        d_k = self.d_model // self.num_heads
        heads = ops.reshape(projected, (batch_size, length, self.num_heads, d_k))
        return ops.transpose(heads, (0, 2, 1, 3))

    def merge_heads(self, heads):
        """`(B, h, L, d_k)` to `(B, L, d_model)`."""
        batch_size, _, length, _ = ops.shape(heads)
        heads = ops.transpose(heads, (0, 2, 1, 3))
        return ops.reshape(heads, (batch_size, length, self.d_model))

    def compute_output_shape(self, query_shape, value_shape=None, key_shape=None):
        return (*query_shape[:-1], self.d_model)

    def compute_output_spec(
        self,
        query,
        value,
        key=None,
        attention_mask=None,
        return_attention_scores=False,
        training=None,
        use_causal_mask=False,
    ):
        output_shape = self.compute_output_shape(query.shape)
        output = keras.KerasTensor(output_shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        batch_size, num_queries = query.shape[:2]
        shape = (batch_size, self.num_heads, num_queries, value.shape[1])
        return output, keras.KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "d_model": self.d_model,
            "num_heads": self.num_heads,
            "dropout_rate": self.dropout_rate,
        }
