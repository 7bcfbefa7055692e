"""The tensors of a predict request, from JSON in row or column form."""

import base64
import binascii
import math

import numpy as np
import tensorflow as tf

from tf_transformer.serving.errors import RequestError, invalid
from tf_transformer.serving.json_values import is_number, shown, type_name

LARGEST_WHOLE = {tf.float32: 2**24 - 1, tf.float64: 2**53 - 1}
DTYPE_NAMES = {tf.float16: "half", tf.float32: "float", tf.float64: "double"}


def read_inputs(
    document: dict, specs: dict[str, tf.TensorSpec]
) -> tuple[bool, dict[str, np.ndarray]]:
    """The named arrays of a request.

    Args:
        document: The request's object, with `instances` or `inputs`.
        specs: The inputs of the signature. A signature without inputs, which TensorFlow
            Serving refuses, takes `{"inputs": {}}`.

    Returns:
        Whether the request is in row form, and an array for each input.

    Raises:
        RequestError: If the values do not fit.
    """
    has_rows, has_columns = "instances" in document, "inputs" in document
    if has_rows and has_columns:
        raise invalid(
            f"JSON Value: {shown(document)} Not formatted correctly expecting only one "
            "of 'inputs' or 'instances' keys to exist "
        )
    if has_columns:
        return False, _columns(document["inputs"], specs)
    if not has_rows:
        raise invalid("Missing 'inputs' or 'instances' key")
    rows = document["instances"]
    if not isinstance(rows, list):
        raise invalid(
            f"JSON Value: {shown(document)} Excepting 'instances' to be an list/array"
        )
    if not rows:
        raise invalid(f"JSON Value: {shown(document)} No values in 'instances' array")
    return True, _rows(rows, specs)


def count_rows(document: dict, specs: dict[str, tf.TensorSpec]) -> int:
    """The number of rows that `read_inputs` would read; it converts nothing.

    Example:

    >>> count_rows({"instances": ["a", "b"]}, {})
    2
    """
    value = document.get("instances", document.get("inputs", []))
    is_named = "instances" not in document and _is_named(value)
    columns = [value[n] for n in specs if n in value] if is_named else [value]
    return max((len(c) if isinstance(c, list) else 1 for c in columns), default=1)


def _columns(value, specs: dict[str, tf.TensorSpec]) -> dict[str, np.ndarray]:
    if not isinstance(value, dict) or (_is_base64(value) and specs):
        if len(specs) != 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        value = dict.fromkeys(specs, value)
    arrays = {}
    for name, spec in specs.items():
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        shape = _shape(value[name])
        arrays[name] = _array(
            _leaves(value[name], shape, spec.dtype), shape, spec.dtype
        )
    return arrays


def _rows(rows: list, specs: dict[str, tf.TensorSpec]) -> dict[str, np.ndarray]:
    if not specs:
        raise invalid(
            'The signature has no inputs, so there are no rows. Expected "inputs": {}'
        )
    if len(specs) > 1 and not isinstance(rows[0], dict):
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    named = _is_named(rows[0])
    columns = {name: _Column(spec.dtype) for name, spec in specs.items()}
    for number, row in enumerate(rows):
        if _is_named(row) != named:
            expected = "object but got list" if named else "value/list but got object"
            raise invalid(f"Expecting {expected} at item {number} of input list")
        values = row if named else {next(iter(specs)): row}
        for name, value in values.items():
            place = f"{number} key: {name}" if named else number
            try:
                if name not in columns:
                    raise invalid(f"JSON object: does not have named input: {name}")
                columns[name].add(value)
            except RequestError as error:
                raise RequestError(
                    error.code,
                    f"Failed to process element: {place} of 'instances' list. Error: "
                    f"{error.code}: {error.message}",
                ) from error
        if values.keys() != specs.keys():
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. JSON "
                f"object: {shown(row)} must only have keys: {','.join(sorted(specs))}"
            )
    return {name: column.array(len(rows)) for name, column in columns.items()}


class _Column:
    """The values of one input, row by row; all of the first row's shape."""

    def __init__(self, dtype: tf.DType):
        self.dtype = dtype
        self.shape: list[int] | None = None
        self.size = 0
        self.leaves: list = []

    def add(self, value) -> None:
        shape = _shape(value)
        leaves = _leaves(value, shape, self.dtype)
        if self.shape is None:
            self.shape, self.size = shape, len(leaves)
        elif len(leaves) != self.size:
            raise invalid(f"Expecting tensor size: {self.size} but got: {len(leaves)}")
        elif shape != self.shape:
            raise invalid(
                f"Expecting shape {_brackets(self.shape)} but got: {_brackets(shape)}"
            )
        self.leaves.extend(leaves)

    def array(self, num_rows: int) -> np.ndarray:
        return _array(self.leaves, [num_rows, *self.shape], self.dtype)


def _shape(value) -> list[int]:
    """The shape of nested lists, from their first elements."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _leaves(value, shape: list[int], dtype: tf.DType, level: int = 0) -> list:
    """The converted values of nested lists of this shape, in order."""
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {shown(value)} found at incorrect level: {level + 1} in "
                f"the JSON DOM. Expected at level: {len(shape)}"
            )
        return [_leaf(value, dtype)]
    if level >= len(shape):
        raise invalid(
            f"Encountered list at unexpected level: {level} expected < {len(shape)}"
        )
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    return [leaf for v in value for leaf in _leaves(v, shape, dtype, level + 1)]


def _leaf(value, dtype: tf.DType):
    if dtype == tf.string:
        if isinstance(value, dict):
            return _decoded(value)
        if isinstance(value, str):
            return value.encode()
    elif dtype in LARGEST_WHOLE:
        if is_number(value):
            return _decimal(value, dtype)
    elif dtype == tf.bool:
        if isinstance(value, bool):
            return value
    elif dtype.is_integer and not dtype.is_quantized:
        if (
            is_number(value)
            and isinstance(value, int)
            and dtype.min <= value <= dtype.max
        ):
            return value
    else:
        raise RequestError(
            "UNIMPLEMENTED",
            f"Conversion of JSON Value: {shown(value)} to type: {_name(dtype)}",
        )
    raise invalid(
        f"JSON Value: {shown(value)} Type: {type_name(value)} is not of expected type: "
        f"{_name(dtype)}"
    )


def _decimal(value, dtype: tf.DType) -> float:
    is_whole = isinstance(value, int)
    largest = LARGEST_WHOLE[dtype] if is_whole else float(dtype.max)
    if abs(value) > largest and (is_whole or math.isfinite(value)):
        raise invalid(
            f"Cannot convert JSON value: {shown(value)} to {_name(dtype)} without loss "
            "of precision."
        )
    return value


def _decoded(value: dict) -> bytes:
    if not _is_base64(value):
        raise invalid(
            f"JSON Value: {shown(value)} not formatted correctly for base64 data"
        )
    text = value["b64"].rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def _array(leaves: list, shape: list[int], dtype: tf.DType) -> np.ndarray:
    numpy_dtype = object if dtype == tf.string else dtype.as_numpy_dtype
    array = np.empty(len(leaves), numpy_dtype)
    array[:] = leaves
    return array.reshape(shape)


def _is_base64(value) -> bool:
    return isinstance(value, dict) and (
        value.keys() == {"b64"} and isinstance(value["b64"], str)
    )


def _is_named(row) -> bool:
    return isinstance(row, dict) and not _is_base64(row)


def _brackets(shape: list[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _name(dtype: tf.DType) -> str:
    return DTYPE_NAMES.get(dtype, dtype.name)  # pyright: ignore
