"""Position-wise feed-forward network (section 3.3)."""

import keras


@keras.saving.register_keras_serializable(package="tf_transformer")
class FeedForward(keras.layers.Layer):
    """Two linear maps with a ReLU between, applied to each position alone.

    Section 3.3 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762):

        FFN(x) = max(0, x W_1 + b_1) W_2 + b_2

    Args:
        d_model: Integer. Width of input and output.
        d_ff: Integer. Width in the middle.
        activation: Name of the activation. Defaults to the paper's `"relu"`.

    Call arguments:
        inputs: Tensor `(B, L, d_model)`.

    Returns:
        Tensor `(B, L, d_model)`.

    Example:

    >>> FeedForward(d_model=4, d_ff=16)(keras.ops.ones((2, 3, 4))).shape
    TensorShape([2, 3, 4])

    Shape letters: B batch, L length.
    """

    def __init__(self, d_model, d_ff, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.d_model = d_model
        self.d_ff = d_ff
        self.activation = activation
        self.inner_dense = keras.layers.Dense(
            d_ff, activation=activation, dtype=self.dtype_policy, name="inner"
        )
        self.outer_dense = keras.layers.Dense(
            d_model, dtype=self.dtype_policy, name="outer"
        )

    def build(self, input_shape):
        self.inner_dense.build(input_shape)
        self.outer_dense.build((*input_shape[:-1], self.d_ff))
        self.built = True

    def call(self, inputs):
        return self.outer_dense(self.inner_dense(inputs))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "d_model": self.d_model,
            "d_ff": self.d_ff,
            "activation": self.activation,
        }
