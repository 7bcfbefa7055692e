"""The linear maps of the paper: projections, the feed-forward network."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tf_transformer")
class Dense(keras.layers.Dense):
    """Keras' Dense as one product of two matrices, whatever the sizes.

    Keras leaves inputs `(B, L, d)` to `tensordot`, which in a graph of unknown sizes
    is a dozen small operations around the product. A step of a decoder is made of
    little else.

    Args:
        units: Integer. Width of the output.
        **kwargs: As for `keras.layers.Dense`.

    Example:

    >>> Dense(4)(ops.ones((2, 3, 5))).shape
    TensorShape([2, 3, 4])
    """

    def call(self, inputs, training=None):
        leading = ops.shape(inputs)[:-1]
        rows = super().call(ops.reshape(inputs, (-1, inputs.shape[-1])), training)
        return ops.reshape(rows, (*leading, self.units))
