"""A signature of a SavedModel: a function from named arrays to named arrays."""

import functools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_transformer.serving.errors import from_tensorflow, invalid
from tf_transformer.serving.json_outputs import MAX_VALUES, too_large

WARM_UP_TEXT = "a b"


class Signature:
    """One function of a loaded SavedModel.

    Args:
        name: The signature's name.
        definition: Its `SignatureDef`.
        function: The loaded function.
        is_row_wise: Whether each row of its outputs is known to depend only on the same
            row of its inputs and on sizes. Shapes do not tell.
    """

    def __init__(self, name: str, definition, function, is_row_wise: bool = False):
        self.name = name
        self._is_row_wise = is_row_wise
        self.inputs = _specs(definition.inputs)
        self.outputs = _specs(definition.outputs)
        self._function = function

    @functools.cached_property
    def rows_are_independent(self) -> bool:
        """Whether rows of other requests may be computed in the same call.

        If an output has another variable size, as attention weights do, this size
        depends on the longest text of the batch.
        """
        return self._is_row_wise and self.only_rows_vary

    @functools.cached_property
    def only_rows_vary(self) -> bool:
        """Whether the only variable size of the outputs is the number of rows."""
        inputs, outputs = self.inputs.values(), self.outputs.values()
        return bool(inputs) and (
            all(_has_open_rows(spec.shape) for spec in (*inputs, *outputs))
            and all(spec.shape[1:].is_fully_defined() for spec in outputs)
        )

    @functools.cached_property
    def takes_texts(self) -> bool:
        """Whether its only input is a vector of texts."""
        return [(spec.dtype, spec.shape.rank) for spec in self.inputs.values()] == [
            (tf.string, 1)
        ]

    def num_rows(self, arrays: dict[str, np.ndarray]) -> int:
        """The largest first dimension, 1 for scalars."""
        return max((len(a) if a.ndim else 1 for a in arrays.values()), default=1)

    def check(self, arrays: dict[str, np.ndarray]) -> None:
        """Refuses arrays of the wrong shape.

        Raises:
            RequestError: If an array does not fit its input.
        """
        for name, spec in self.inputs.items():
            if not spec.shape.is_compatible_with(arrays[name].shape):
                raise invalid(
                    f'Input "{name}" has the wrong shape. Expected {spec.shape}. '
                    f"Received: {tf.TensorShape(arrays[name].shape)}"
                )

    def check_answer_size(self, arrays: dict[str, np.ndarray]) -> None:
        """Refuses a request whose answer would be too large, before it is computed.

        If the size depends on the texts, as for attention weights, the longest row is
        computed separately: after padding, the other rows have the same size.

        Raises:
            RequestError: If the answer would have more than `MAX_VALUES` values.
        """
        num_rows = self.num_rows(arrays)
        has_rows = all(a.ndim and len(a) == num_rows for a in arrays.values()) and all(
            _has_open_rows(spec.shape) for spec in self.outputs.values()
        )
        if num_rows < 2 or not has_rows or self.only_rows_vary:
            return
        lengths = np.max([_row_lengths(a) for a in arrays.values()], axis=0)
        # in bytes: a text has fewer tokens than bytes
        most = 2 * int(lengths.max()) + 16
        sizes = [
            math.prod(size or most for size in spec.shape.as_list()[1:])
            for spec in self.outputs.values()
        ]
        if num_rows * sum(sizes) > MAX_VALUES:
            row = int(lengths.argmax())
            outputs = self({name: a[row : row + 1] for name, a in arrays.items()})
            num_values = num_rows * sum(a.size for a in outputs.values())
            if num_values > MAX_VALUES:
                raise too_large(num_values)

    def __call__(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Computes the outputs.

        Raises:
            RequestError: If TensorFlow reports an error.
        """
        tensors = {
            name: tf.constant(arrays[name], spec.dtype)
            for name, spec in self.inputs.items()
        }
        try:
            outputs = self._function(**tensors)
            return {name: _numpy(tensor) for name, tensor in outputs.items()}
        except tf.errors.OpError as error:
            raise from_tensorflow(error) from error

    def warm_up(self) -> None:
        """Computes a small example, so that the first request is not slow."""
        arrays = {}
        for name, spec in self.inputs.items():
            if spec.shape.rank is None:
                return
            shape = [size or 1 for size in spec.shape.as_list()]
            if spec.dtype == tf.string:
                texts = [WARM_UP_TEXT.encode()] * math.prod(shape)
                arrays[name] = np.array(texts, dtype=object).reshape(shape)
            else:
                arrays[name] = np.zeros(shape, spec.dtype.as_numpy_dtype)
        self(arrays)

    def warm_up_with(self, texts: Sequence[str]) -> None:
        """Computes these texts; only for a signature that `takes_texts`."""
        [name] = self.inputs
        self({name: np.array([text.encode() for text in texts], object)})


def _row_lengths(array: np.ndarray) -> np.ndarray:
    """For each row the bytes of its texts, or the number of its values."""
    rows = array.reshape(len(array), -1)
    if array.dtype != object:
        return np.full(len(array), rows.shape[1])
    return np.array([sum(map(len, row)) for row in rows])


def _has_open_rows(shape: tf.TensorShape) -> bool:
    return shape.rank is not None and shape.rank > 0 and shape[0] is None


def _specs(infos) -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec(tf.TensorShape(info.tensor_shape), tf.as_dtype(info.dtype))
        for name, info in sorted(infos.items())
    }


def _numpy(tensor) -> np.ndarray:
    """A tensor's array; of strings, an array of `bytes` objects."""
    if tensor.dtype == tf.string:
        array = np.empty(tensor.shape, object)
        array[...] = tensor.numpy()
        return array
    return tensor.numpy()
