"""Position-wise feed-forward network (section 3.3)."""

import keras

from tf_transformer.layers.base import BaseLayer, check_sizes, check_width


@keras.saving.register_keras_serializable(package="tf_transformer")
class FeedForward(BaseLayer):
    """Two linear maps with a ReLU between them, applied at each position.

    Section 3.3 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762):

        FFN(x) = max(0, x W_1 + b_1) W_2 + b_2

    Args:
        d_model: Integer. Width of input and output.
        d_ff: Integer. Inner width.
        activation: Name of an activation, or a function. Defaults to the paper's
            `"relu"`.

    Call arguments:
        inputs: Tensor `(B, L, d_model)`.

    Returns:
        Tensor `(B, L, d_model)`.

    Raises:
        ValueError: If the inputs have another width.

    Example:

    >>> FeedForward(d_model=4, d_ff=16)(keras.ops.ones((2, 3, 4))).shape
    TensorShape([2, 3, 4])

    Shape letters: B batch, L length.
    """

    def __init__(self, *, d_model, d_ff, activation="relu", **kwargs):
        super().__init__(**kwargs)
        check_sizes(d_model=d_model, d_ff=d_ff)
        self.d_model = d_model
        self.d_ff = d_ff
        self.activation = keras.activations.get(activation)
        self.inner_dense = keras.layers.Dense(
            d_ff, activation=self.activation, **self.sublayer_arguments("inner")
        )
        self.outer_dense = keras.layers.Dense(
            d_model, **self.sublayer_arguments("outer")
        )

    def build(self, input_shape):
        check_width(input_shape, self.d_model)
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
            "activation": activation_name(self.activation),
        }


def activation_name(activation):
    """`keras.activations.serialize`, which would store a lambda unreadably.

    Args:
        activation: A function.

    Raises:
        ValueError: For a lambda.
    """
    if getattr(activation, "__name__", None) == "<lambda>":
        raise ValueError(
            "A function without a name cannot be saved. Expected the name of an "
            f"activation, or a function made with def. Received: {activation!r}"
        )
    return keras.activations.serialize(activation)
