"""Writes the tensors of an answer as JSON, in row or column form."""

import base64
import json
import math

import numpy as np

from tf_transformer.serving.errors import RequestError, invalid

MAX_VALUES = 4_000_000
BYTES_SUFFIX = "_bytes"
SIGNIFICANT_DIGITS = {np.dtype("float32"): 9, np.dtype("float64"): 17}


def write_outputs(arrays: dict[str, np.ndarray], row_form: bool) -> bytes:
    """The body of a predict answer.

    Numbers have as many digits as in TensorFlow Serving: six, or more if they are
    needed to read back the same number. Strings of an output whose name ends in
    `_bytes` are written as `{"b64": ...}`.

    Args:
        arrays: The named outputs.
        row_form: Whether the answer is a list of rows; otherwise it is one list per
            output.

    Returns:
        JSON in UTF-8, NaN and Infinity included.

    Raises:
        RequestError: If a type cannot be written as JSON, numbers of rows differ, or
            there are more than `MAX_VALUES` values.

    Example:

    >>> write_outputs({"y": np.array([2.5, 3.0], np.float32)}, row_form=True)
    b'{"predictions": [2.5, 3.0]}'
    """
    num_values = sum(array.size for array in arrays.values())
    if num_values > MAX_VALUES:
        raise too_large(num_values)
    texts = {name: _texts(name, array) for name, array in arrays.items()}
    if row_form:
        rows = _rows(arrays, texts)
        return f'{{"predictions": [{", ".join(rows)}]}}'.encode()
    columns = {
        name: _nested(texts[name], array.shape)[0] for name, array in arrays.items()
    }
    value = next(iter(columns.values())) if len(columns) == 1 else _object(columns)
    return f'{{"outputs": {value}}}'.encode()


def too_large(num_values: int) -> RequestError:
    """Returns the error for a request whose answer has too many values."""
    return invalid(
        f"The answer is too large. Expected at most {MAX_VALUES} values. "
        f"Received: {num_values}"
    )


def _rows(arrays: dict[str, np.ndarray], texts: dict[str, list[str]]) -> list[str]:
    if not arrays:
        raise invalid(
            "The signature has no outputs, so the answer has no rows. Expected a "
            'request with "inputs". Received: "instances"'
        )
    num_rows = None
    for name, array in arrays.items():
        if not array.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if num_rows not in (None, len(array)):
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {len(array)} "
                f"expecting: {num_rows}"
            )
        num_rows = len(array)
    columns = {
        name: _nested(texts[name], array.shape, axis=1)
        for name, array in arrays.items()
    }
    if len(columns) == 1:
        return next(iter(columns.values()))
    return [
        _object({name: column[number] for name, column in columns.items()})
        for number in range(num_rows)  # pyright: ignore
    ]


def _nested(texts: list[str], shape: tuple[int, ...], axis: int = 0) -> list[str]:
    """Joins values to lists of lists, from the last axis up to `axis`."""
    for last in range(len(shape) - 1, axis - 1, -1):
        size, num_lists = shape[last], math.prod(shape[:last])
        texts = [
            f"[{', '.join(texts[start * size : (start + 1) * size])}]"
            for start in range(num_lists)
        ]
    return texts


def _object(texts: dict[str, str]) -> str:
    members = (f"{json.dumps(name)}: {text}" for name, text in texts.items())
    return f"{{{', '.join(members)}}}"


def _texts(name: str, array: np.ndarray) -> list[str]:
    values = array.ravel()
    if array.dtype in SIGNIFICANT_DIGITS:
        return _decimals(values)
    if array.dtype == np.bool_:
        return ["true" if value else "false" for value in values]
    if np.issubdtype(array.dtype, np.integer):
        return [str(value) for value in values.tolist()]
    if array.dtype == object:
        write = _base64 if name.endswith(BYTES_SUFFIX) else _string
        return [write(value) for value in values]
    raise RequestError(
        "INVALID_ARGUMENT",
        f"Failed to write JSON value for tensor type: {array.dtype.name}",
    )


def _decimals(values: np.ndarray) -> list[str]:
    texts = [f"{value:g}" for value in values.tolist()]
    read_again = np.array(texts, dtype=object).astype(values.dtype)
    all_digits = f".{SIGNIFICANT_DIGITS[values.dtype]}g"
    for index in np.flatnonzero(read_again != values):
        texts[index] = format(values[index], all_digits)
    return [_whole(text) for text in texts]


def _whole(text: str) -> str:
    if "." in text or "e" in text:
        return text
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text + ".0")


def _string(value: bytes) -> str:
    return json.dumps(value.decode(errors="replace"), ensure_ascii=False)


def _base64(value: bytes) -> str:
    return f'{{"b64": "{base64.b64encode(value).decode()}"}}'
