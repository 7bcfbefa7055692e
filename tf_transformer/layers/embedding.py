"""Token embedding (section 3.4): ids to vectors, and vectors back to logits."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tf_transformer")
class TokenEmbedding(keras.layers.Layer):
    r"""Turns token ids into vectors; its transpose turns vectors into logits.

    Section 3.4 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762):

        x      = E[ids] * sqrt(d_model)
        logits = y E^T

    One matrix E serves both directions ("we share the same weight matrix"). It is
    drawn from N(0, d_model^-1/2), so that the scaled vectors have variance 1 and the
    first logits are neither flat nor saturated.

    Args:
        vocab_size: Integer. Number of tokens V, padding included.
        d_model: Integer. Width of the vectors.

    Call arguments:
        inputs: Integer tensor `(B, L)`, or with `reverse=True` a float tensor
            `(B, L, d_model)`.
        reverse: If `True`, compute logits. Defaults to `False`.

    Returns:
        Tensor `(B, L, d_model)` in the compute dtype, or float32 logits `(B, L, V)`.

    Example:

    >>> embedding = TokenEmbedding(vocab_size=11, d_model=4)
    >>> vectors = embedding(ops.array([[5, 9, 3]]))
    >>> vectors.shape, embedding(vectors, reverse=True).shape
    (TensorShape([1, 3, 4]), TensorShape([1, 3, 11]))

    Shape letters: B batch, L length, V vocabulary.
    """

    def __init__(self, vocab_size, d_model, **kwargs):
        super().__init__(**kwargs)
        self.vocab_size = vocab_size
        self.d_model = d_model

    def build(self, input_shape=None):
        self.table = self.add_weight(
            name="table",
            shape=(self.vocab_size, self.d_model),
            initializer=keras.initializers.RandomNormal(stddev=self.d_model**-0.5),
        )
        self.built = True

    def call(self, inputs, reverse=False):
        table = ops.cast(self.table, self.compute_dtype)
        if reverse:
            logits = ops.matmul(inputs, ops.transpose(table))
            return ops.cast(logits, "float32")
        # Keras hands floats to a model that it builds under a distribution strategy
        token_ids = ops.cast(inputs, "int32")
        # on TensorFlow a gather alone has a gradient of rows, one for each token:
        # Keras' optimizers and clipping take repeated tokens for different ones
        table = ops.reshape(table, table.shape)
        return ops.take(table, token_ids, axis=0) * self.d_model**0.5

    def compute_output_shape(self, input_shape, reverse=False):
        if reverse:
            return (*input_shape[:-1], self.vocab_size)
        return (*input_shape, self.d_model)

    def compute_output_spec(self, inputs, reverse=False):
        return keras.KerasTensor(
            self.compute_output_shape(inputs.shape, reverse),
            dtype="float32" if reverse else self.compute_dtype,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "vocab_size": self.vocab_size,
            "d_model": self.d_model,
        }
