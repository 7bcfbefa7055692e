"""Attention of a recurrent decoder to all states of the encoder."""

import keras
from keras import ops

from tf_transformer.layers.attention import attention_weights
from tf_transformer.layers.base import BaseLayer, check_sizes
from tf_transformer.layers.masks import combine_masks
from tf_transformer.layers.recurrent.score_functions import SCORE_FUNCTIONS


@keras.saving.register_keras_serializable(package="tf_transformer")
class GlobalAttention(BaseLayer):
    """Attention from each decoder state to all encoder states.

    Section 3.1 of [Luong et al. 2015](https://arxiv.org/abs/1508.04025):

        a_t  = softmax over s of score(h_t, h_s)
        c_t  = sum over s of a_t(s) h_s
        h~_t = tanh(W_c [c_t; h_t])

    The query Q is the decoder's state h_t at time t; keys and values, K = V, are the
    encoder's states h_s at all times. It is the "encoder-decoder attention" of
    section 3.2.3 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762) with
    one head and without W^V; in self-attention Q, K and V come from one sentence.

    Args:
        d_model: Integer. Width of the output.
        score: Name of the score function: "dot", "scaled_dot", "general", "additive"
            or "concat"; `None` if there is only one value, whose weight is 1.
            Defaults to `"dot"`.

    Call arguments:
        query: Tensor `(B, T, d_model)`, the decoder's states.
        value: Tensor `(B, S, d_model)`, the encoder's states.
        attention_mask: Optional bool tensor `(T, S)`, `(B, T, S)` or `(B, 1, S)`.
            `True` = may attend.

    Returns:
        Tensor `(B, T, d_model)`.

    Example:

    >>> layer = GlobalAttention(d_model=4, score="general")
    >>> layer(ops.ones((2, 3, 4)), ops.ones((2, 5, 4))).shape
    TensorShape([2, 3, 4])

    Shape letters: B batch, T target (query) length, S source (key) length.
    """

    def __init__(self, *, d_model, score="dot", **kwargs):
        super().__init__(**kwargs)
        check_sizes(d_model=d_model)
        if score is not None and score not in SCORE_FUNCTIONS:
            raise ValueError(
                f"Unknown score function. Expected one of {', '.join(SCORE_FUNCTIONS)}."
                f" Received: score={score!r}"
            )
        self.d_model = d_model
        self.score = score
        self.score_function = None
        if score is not None:
            self.score_function = SCORE_FUNCTIONS[score](
                **self.sublayer_arguments("score")
            )
        self.output_dense = keras.layers.Dense(
            d_model,
            activation="tanh",
            use_bias=False,
            **self.sublayer_arguments("output"),
        )

    def build(self, query_shape, value_shape=None):
        value_shape = value_shape or query_shape
        if self.score_function is not None:
            self.score_function.build(query_shape, value_shape)
        self.output_dense.build((*query_shape[:-1], value_shape[-1] + query_shape[-1]))
        self.built = True

    def call(self, query, value, attention_mask=None):
        mask = combine_masks(query, value, attention_mask=attention_mask)
        return self.attend(query, *self.keys_and_values(value), mask)[0]

    def keys_and_values(self, value):
        """Computes keys and values, once per sentence.

        Args:
            value: Tensor `(B, S, d_model)`.

        Returns:
            Two tensors `(B, S, d_model)`.
        """
        if self.score_function is None:
            return value, value
        return self.score_function.keys(value), value

    def attend(self, query, keys, values, attention_mask=None):
        """Attends to prepared keys and values.

        Args:
            query: Tensor `(B, T, d_model)`.
            keys: First tensor of `keys_and_values`.
            values: Second tensor of `keys_and_values`.
            attention_mask: Optional bool tensor `(B, 1, S)` or `(B, T, S)`.

        Returns:
            The output `(B, T, d_model)` and the weights `(B, T, S)`.
        """
        weights = ops.cast(self._weights(query, keys, attention_mask), values.dtype)
        context = ops.matmul(weights, values)  # c_t: (B, T, d_model)
        context_and_query = ops.concatenate([context, query], axis=-1)
        return self.output_dense(context_and_query), weights

    def _weights(self, query, keys, attention_mask):
        if self.score_function is None:
            return ops.ones_like(query[..., :1])
        scores = self.score_function.score(query, keys)
        return attention_weights(scores, attention_mask)

    def compute_output_shape(self, query_shape, value_shape=None):
        return (*query_shape[:-1], self.d_model)

    def get_config(self):
        return {**super().get_config(), "d_model": self.d_model, "score": self.score}
