"""Positional encoding (section 3.5): the position of a token in its sentence."""

import keras
import numpy as np
from keras import ops

from tf_transformer.layers.base import BaseLayer, check_rank, check_sizes

POSITIONS = ("alternating", "halves", "marian")


def sinusoidal_positions(
    max_length: int, d_model: int, positions: str = "alternating"
) -> np.ndarray:
    """A table of sines and cosines, computed in float64.

    With `"alternating"`, the paper's:

        PE(pos, 2i)   = sin(pos / 10000^(2i / d_model))
        PE(pos, 2i+1) = cos(pos / 10000^(2i / d_model))

    With `"halves"`, as in Hugging Face's Marian models, the same numbers in another
    order:

        PE(pos, i)               = sin(pos / 10000^(2i / d_model))
        PE(pos, d_model / 2 + i) = cos(pos / 10000^(2i / d_model))

    With `"marian"`, as in [Marian](https://github.com/marian-nmt/marian) and the
    authors' [Tensor2Tensor](https://github.com/tensorflow/tensor2tensor):

        PE(pos, i)               = sin(pos / 10000^(i / (d_model / 2 - 1)))
        PE(pos, d_model / 2 + i) = cos(pos / 10000^(i / (d_model / 2 - 1)))

    Args:
        max_length: Number of positions.
        d_model: Width; must be even, since sine and cosine come in pairs.
        positions: `"alternating"` (the default), `"halves"` or `"marian"`.

    Returns:
        float64 array `(max_length, d_model)`.

    Raises:
        ValueError: If `d_model` is odd, or below 4 with `"marian"`.

    Example:

    >>> sinusoidal_positions(2, 4).round(4).tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.8415, 0.5403, 0.01, 1.0]]
    """
    if d_model % 2:
        raise ValueError(
            "Sinusoidal positions come in pairs of sine and cosine, so d_model must "
            f"be even. Received: d_model={d_model}"
        )
    exponents = np.arange(0, d_model, 2, dtype="float64") / d_model
    if positions == "marian":
        if d_model < 4:
            raise ValueError(
                "Marian's positions divide by d_model / 2 - 1. Expected d_model of at "
                f"least 4. Received: d_model={d_model}"
            )
        exponents = np.arange(d_model // 2, dtype="float64") / (d_model // 2 - 1)
    rows = np.arange(max_length, dtype="float64")[:, None]
    angles = rows / np.power(10000.0, exponents)
    if positions != "alternating":
        return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(
        max_length, d_model
    )


@keras.saving.register_keras_serializable(package="tf_transformer")
class PositionalEncoding(BaseLayer):
    """Adds to each vector an encoding of its position.

    Section 3.5 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762).
    Attention itself does not depend on order; without this layer a sentence is a bag
    of words. The sum is computed in float32 or better and cast last, so that far
    positions stay distinct in float16 and bfloat16.

    Args:
        max_length: Integer. Number of positions.
        learned: If `True`, the table is trained instead of computed (the paper's
            table 3, row E). Defaults to `False`.
        positions: Formula of the computed table: `"alternating"` (the
            paper), `"halves"` or `"marian"`, see `sinusoidal_positions`.

    Call arguments:
        inputs: Tensor `(B, L, d_model)`. If L exceeds `max_length` but is known
            only when a compiled function runs, later vectors are NaN (TensorFlow on
            CPU without XLA raises an error).
        position: Optional integer scalar tensor. The position of `inputs[:, 0]`,
            for decoding token by token. Defaults to 0.

    Returns:
        Tensor `(B, L, d_model)`.

    Raises:
        ValueError: If L is known to exceed `max_length`, for unknown `positions`,
            or for `positions` with `learned=True`.

    Example:

    >>> layer = PositionalEncoding(max_length=10)
    >>> layer(ops.zeros((2, 3, 8))).shape
    TensorShape([2, 3, 8])

    Shape letters: B batch, L length.
    """

    def __init__(self, *, max_length, learned=False, positions="alternating", **kwargs):
        super().__init__(**kwargs)
        check_sizes(max_length=max_length)
        if positions not in POSITIONS:
            raise ValueError(
                f"Unknown positions. Expected one of {', '.join(POSITIONS)}. "
                f"Received: {positions!r}"
            )
        if learned and positions != POSITIONS[0]:
            raise ValueError(
                f"Learned positions have no formula. Expected {POSITIONS[0]!r}, the "
                f"default, with learned=True. Received: positions={positions!r}"
            )
        self.positions = positions
        self.max_length = max_length
        self.learned = learned

    @property
    def _sum_dtype(self):
        return keras.backend.result_type(self.compute_dtype, "float32")

    def build(self, input_shape):
        d_model = input_shape[-1]
        if self.learned:
            self.table = self.add_weight(
                name="table",
                shape=(self.max_length, d_model),
                initializer=keras.initializers.RandomNormal(stddev=d_model**-0.5),
                autocast=False,
            )
        else:
            table = sinusoidal_positions(self.max_length, d_model, self.positions)
            self.table = table.astype(self._sum_dtype)
        self.built = True

    def call(self, inputs, position=None):
        check_rank(inputs=inputs)
        length = inputs.shape[1]
        if length is not None and length > self.max_length:
            raise ValueError(
                "The input is longer than the number of positions. "
                f"Expected at most max_length={self.max_length} tokens. "
                f"Received: length={length}"
            )
        # not a slice: `take` works with a symbolic length in every export and compiler
        positions = ops.arange(ops.shape(inputs)[1])
        if position is not None:
            position = ops.convert_to_tensor(position, positions.dtype)
            if len(position.shape):
                raise ValueError(
                    "position is that of the first token. Expected a scalar. "
                    f"Received: position of shape={tuple(position.shape)}"
                )
            positions = positions + position
        table = ops.cast(ops.convert_to_tensor(self.table), self._sum_dtype)
        encoding = ops.take(table, positions, axis=0)
        if length is None or position is not None:  # XLA would repeat the last row
            is_known = ops.expand_dims(positions < self.max_length, -1)
            encoding = ops.where(is_known, encoding, float("nan"))
        summed = ops.cast(inputs, self._sum_dtype) + encoding
        return ops.cast(summed, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "learned": self.learned,
            "positions": self.positions,
        }
