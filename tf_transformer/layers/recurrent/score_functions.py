"""Score functions of global attention: one number for each query and key.

The query is a decoder state h_t; the keys are the encoder states h_s. Each layer maps
`query` (B, T, D) and `states` (B, S, D) to scores (B, T, S), with B batch, T queries,
S keys and D width. `GlobalAttention` takes the softmax over the keys.
"""

import keras
from keras import ops

from tf_transformer.layers.base import BaseLayer


class ScoreFunction(BaseLayer):
    """Base class. The keys are computed once for all queries.

    A subclass implements `score`, and overrides `keys` if a part of its formula
    depends on h_s alone.

    Call arguments:
        query: Tensor `(B, T, D)`.
        states: Tensor `(B, S, D)`.

    Returns:
        Scores, tensor `(B, T, S)`.
    """

    def build(self, query_shape, states_shape=None):
        self.make_weights(query_shape[-1], (states_shape or query_shape)[-1])
        self.built = True

    def make_weights(self, query_width, states_width):
        """Adds the weights of the score function."""

    def add_matrix(self, name, *shape):
        """A weight with Glorot's initial values."""
        return self.add_weight(name=name, shape=shape, initializer="glorot_uniform")

    def call(self, query, states):
        return self.score(query, self.keys(states))

    def keys(self, states):
        """The part of the formula that depends on the encoder states alone.

        Args:
            states: Tensor `(B, S, D)`.

        Returns:
            Tensor `(B, S, D)`.
        """
        return states

    def score(self, query, keys):
        """The scores of every query for every key.

        Args:
            query: Tensor `(B, T, D)`.
            keys: Result of `keys`.

        Returns:
            Tensor `(B, T, S)`.
        """
        raise NotImplementedError

    def compute_output_shape(self, query_shape, states_shape=None):
        return (*query_shape[:-1], (states_shape or query_shape)[1])

    def _cast(self, weight):
        return ops.cast(weight, self.compute_dtype)


@keras.saving.register_keras_serializable(package="tf_transformer")
class DotScore(ScoreFunction):
    """The dot product of query and key.

        score(h_t, h_s) = h_t . h_s

    "dot" in [Luong et al. 2015](https://arxiv.org/abs/1508.04025), section 3.1. It
    has no weights; query and key must have the same width.

    Args:
        **kwargs: The arguments of `keras.layers.Layer`.

    Example:

    >>> DotScore()(ops.array([[[1.0, 2.0]]]), ops.array([[[3.0, 4.0]]])).numpy().item()
    11.0
    """

    def score(self, query, keys):
        return ops.matmul(query, ops.swapaxes(keys, -1, -2))


@keras.saving.register_keras_serializable(package="tf_transformer")
class ScaledDotScore(DotScore):
    """The dot product divided by sqrt(D), as in the Transformer.

        score(h_t, h_s) = h_t . h_s / sqrt(D)

    Section 3.2.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762):
    without the divisor, the products of wide vectors are large and the gradients of
    the softmax are small.

    Args:
        **kwargs: The arguments of `keras.layers.Layer`.

    Example:

    >>> ScaledDotScore()(ops.ones((1, 1, 4)), ops.ones((1, 1, 4))).numpy().item()
    2.0
    """

    def score(self, query, keys):
        return super().score(query * query.shape[-1] ** -0.5, keys)


@keras.saving.register_keras_serializable(package="tf_transformer")
class GeneralScore(DotScore):
    """The dot product of the query and a learned linear map of the key.

        score(h_t, h_s) = h_t . W h_s

    "general" in [Luong et al. 2015](https://arxiv.org/abs/1508.04025), section 3.1.
    A Transformer's head factors this matrix into W^Q and W^K, and scales the score.

    Args:
        **kwargs: The arguments of `keras.layers.Layer`.

    Example:

    >>> GeneralScore()(ops.ones((2, 3, 4)), ops.ones((2, 5, 4))).shape
    TensorShape([2, 3, 5])
    """

    def make_weights(self, query_width, states_width):
        self.key_kernel = self.add_matrix("key_kernel", states_width, query_width)

    def keys(self, states):
        return ops.matmul(states, self._cast(self.key_kernel))


@keras.saving.register_keras_serializable(package="tf_transformer")
class AdditiveScore(ScoreFunction):
    """A small feed-forward network of query and key.

        score(h_t, h_s) = v . tanh(W h_t + U h_s)

    Appendix A.1.2 of [Bahdanau et al. 2015](https://arxiv.org/abs/1409.0473), the
    first attention for translation. It computes a tensor `(B, T, S, D)`, which takes
    more time and memory than a matrix product.

    Args:
        **kwargs: The arguments of `keras.layers.Layer`.

    Example:

    >>> AdditiveScore()(ops.ones((2, 3, 4)), ops.ones((2, 5, 4))).shape
    TensorShape([2, 3, 5])
    """

    def make_weights(self, query_width, states_width):
        self.query_kernel = self.add_matrix("query_kernel", query_width, query_width)
        self.key_kernel = self.add_matrix("key_kernel", states_width, query_width)
        self.vector = self.add_matrix("vector", query_width, 1)

    def keys(self, states):
        return ops.matmul(states, self._cast(self.key_kernel))

    def score(self, query, keys):
        query = ops.matmul(query, self._cast(self.query_kernel))
        # W h_t + U h_s for each pair: (B, T, S, D)
        hidden = ops.tanh(query[:, :, None] + keys[:, None])
        return ops.matmul(hidden, self._cast(self.vector))[..., 0]


@keras.saving.register_keras_serializable(package="tf_transformer")
class ConcatScore(AdditiveScore):
    """The additive score with one matrix for the concatenation of both vectors.

        score(h_t, h_s) = v . tanh(W [h_t; h_s])

    "concat" in [Luong et al. 2015](https://arxiv.org/abs/1508.04025), section 3.1.
    The two halves of the matrix are W and U of `AdditiveScore`; only the initial
    values differ, because Glorot's range depends on the number of inputs.

    Args:
        **kwargs: The arguments of `keras.layers.Layer`.

    Example:

    >>> ConcatScore()(ops.ones((2, 3, 4)), ops.ones((2, 5, 4))).shape
    TensorShape([2, 3, 5])
    """

    def make_weights(self, query_width, states_width):
        kernel = self.add_matrix("kernel", query_width + states_width, query_width)
        self.kernel, self.query_width = kernel, query_width
        self.vector = self.add_matrix("vector", query_width, 1)

    @property
    def query_kernel(self):
        return ops.convert_to_tensor(self.kernel)[: self.query_width]

    @property
    def key_kernel(self):
        return ops.convert_to_tensor(self.kernel)[self.query_width :]


SCORE_FUNCTIONS = {
    "dot": DotScore,
    "scaled_dot": ScaledDotScore,
    "general": GeneralScore,
    "additive": AdditiveScore,
    "concat": ConcatScore,
}
