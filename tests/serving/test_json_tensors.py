"""JSON to arrays and back, by the rules of TensorFlow Serving."""

import json
import math

import numpy as np
import pytest
import tensorflow as tf

from tf_transformer.serving.errors import RequestError
from tf_transformer.serving.json_document import read_document
from tf_transformer.serving.json_inputs import read_inputs
from tf_transformer.serving.json_outputs import MAX_VALUES, write_outputs

INT = {"i": tf.TensorSpec(None, tf.int32)}
STRING = {"s": tf.TensorSpec(None, tf.string)}
FLOAT = {"f": tf.TensorSpec(None, tf.float32)}
DOUBLE = {"d": tf.TensorSpec(None, tf.float64)}


def read(body, specs):
    return read_inputs(read_document(body.encode()), specs)


def refusal(body, specs):
    with pytest.raises(RequestError) as caught:
        read(body, specs)
    return caught.value


def written(arrays, row_form=True):
    return json.loads(write_outputs(arrays, row_form))


def test_rows_are_stacked():
    row_form, arrays = read('{"instances": [[1, 2], [3, 4], [5, 6]]}', INT)
    assert row_form
    np.testing.assert_array_equal(arrays["i"], [[1, 2], [3, 4], [5, 6]])
    assert arrays["i"].dtype == np.int32


def test_columns_may_have_different_lengths():
    body = '{"inputs": {"i": [[1, 2, 3]], "s": {"b64": "aGVsbG8"}, "f": [0.5, 2]}}'
    row_form, arrays = read(body, {**INT, **STRING, **FLOAT})
    assert not row_form
    assert arrays["i"].shape == (1, 3)
    assert arrays["s"].shape == ()
    assert arrays["s"][()] == b"hello"
    np.testing.assert_array_equal(arrays["f"], np.array([0.5, 2], np.float32))


def test_named_rows_may_nest():
    body = '{"instances": [{"s": [["a"], [{"b64": "Yg=="}]]}, {"s": [["c"], ["d"]]}]}'
    _, arrays = read(body, STRING)
    assert arrays["s"].tolist() == [[[b"a"], [b"b"]], [[b"c"], [b"d"]]]


def test_special_numbers():
    _, arrays = read('{"inputs": [NaN, -Infinity, 1e-3, 7]}', DOUBLE)
    expected = [math.nan, -math.inf, 1e-3, 7]
    np.testing.assert_array_equal(arrays["d"], expected)


def test_text_is_utf8_with_a_byte_order_mark_or_without():
    body = '{"inputs": ["한국어 \\ud83d\\ude00"]}'
    for prefix in (b"", b"\xef\xbb\xbf"):
        document = read_document(prefix + body.encode())
        assert document == {"inputs": ["한국어 😀"]}


@pytest.mark.parametrize(
    ("body", "specs", "message"),
    [
        ('{"instances": [[1, 2], [3]]}', INT, "Expecting tensor size: 2 but got: 1"),
        (
            '{"instances": [[1], [[3]]]}',
            INT,
            "Expecting shape [1] but got: [1,1]",
        ),
        ('{"instances": [1, [1]]}', INT, "Expecting shape [] but got: [1]"),
        (
            '{"inputs": [[1, 2], 3]}',
            INT,
            "JSON Value: 3 found at incorrect level: 2 in the JSON DOM. Expected at "
            "level: 2",
        ),
        (
            '{"inputs": [1, [3]]}',
            INT,
            "Encountered list at unexpected level: 1 expected < 1",
        ),
        (
            '{"inputs": [[1, 2], [3]]}',
            INT,
            "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
        ('{"inputs": ["a"]}', INT, 'Value: "a" Type: String is not of expected type'),
        ('{"inputs": [true]}', INT, "JSON Value: true Type: True is not of"),
        (
            '{"inputs": [2147483648]}',
            INT,
            "Number is not of expected type: int32",
        ),
        ('{"inputs": [1.0]}', INT, "Number is not of expected type: int32"),
        ('{"inputs": [null]}', STRING, "Type: Null is not of expected type: string"),
        ('{"inputs": [16777217]}', FLOAT, "to float without loss of precision"),
        ('{"inputs": [1e39]}', FLOAT, "to float without loss of precision"),
        ('{"inputs": [9007199254740993]}', DOUBLE, "to double without loss of"),
        ('{"inputs": [{"b64": "?"}]}', STRING, "Unable to base64 decode"),
        (
            '{"inputs": [{"b65": ""}]}',
            STRING,
            "not formatted correctly for base64",
        ),
        ('{"inputs": [{"b64": ""}]}', INT, "Type: Object is not of expected type: int"),
        ('{"inputs": 1, "instances": [1]}', INT, "Not formatted correctly"),
        ('{"instances": 1}', INT, "Excepting 'instances' to be an list/array"),
        ('{"instances": []}', INT, "No values in 'instances' array"),
        (
            '{"instances": [[1], {"i": [1]}]}',
            INT,
            "Expecting value/list but got",
        ),
        (
            '{"instances": [{"i": 1}, 2]}',
            INT,
            "Expecting object but got list at",
        ),
        ('{"instances": [{"j": 1}]}', INT, "does not have named input: j"),
        ('{"instances": [{}]}', INT, "must only have keys: i"),
        ('{"instances": [1]}', {**INT, **FLOAT}, "instances is a plain list"),
        ('{"inputs": [1]}', {**INT, **FLOAT}, "inputs is a plain value/list"),
        ('{"inputs": {"i": 1}}', {**INT, **FLOAT}, "Missing named input: f in"),
        ('{"instances": [1]}', {}, "has no inputs"),
    ],
)
def test_values_that_do_not_fit(body, specs, message):
    error = refusal(body, specs)
    assert error.http_status == 400
    assert message in error.message


def test_a_type_that_json_cannot_hold():
    specs = {"h": tf.TensorSpec([None], tf.float16)}
    error = refusal('{"inputs": [1.0]}', specs)
    assert error.http_status == 501
    assert error.message == "Conversion of JSON Value: 1.0 to type: half"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The document is empty"),
        (b" \n", "The document is empty"),
        (b'{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
        (b"{1}", "Missing a name for object member. at offset: 1"),
        (b'{"a": "b', "Missing a closing quotation mark in string. at offset: 6"),
        (
            '{"가": }'.encode(),
            "Invalid value. at offset: 8",  # bytes, not characters
        ),
        (b'{"a": "\\q"}', "Invalid escape character in string."),
        (b"{} {}", "The document root must not be followed by other values."),
        (b'{"a": "\xff"}', "Invalid encoding in string. at offset: 7"),
        (b'{"a": "\\ud800"}', "The surrogate pair in string is invalid."),
        (b'{"\\uDFFF": 1}', "The surrogate pair in string is invalid."),
        (b'{"a": ' + b"9" * 5000 + b"}", "Number too big to be stored in double."),
        (b'{"a": ' + b"[" * 100_000, "The document is nested too deep."),
    ],
)
def test_documents_that_are_no_json(body, message):
    with pytest.raises(RequestError) as caught:
        read_document(body)
    assert caught.value.http_status == 400
    assert caught.value.message.startswith(f"JSON Parse error: {message}")


def test_an_error_shows_only_the_beginning_of_a_large_value():
    """A short body could otherwise be indented to gigabytes."""
    deep = "[" * 400 + "1" + ", 1" * 100_000 + "]" * 400
    error = refusal(f'{{"instances": [1], "inputs": {deep}}}', INT)
    assert len(error.message) < 2000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.2, "0.2"),
        (9_000_000, "9e+06"),
        (999_999, "999999.0"),
        (0.00003, "3e-05"),
        (555557.5, "555557.5"),
        (3, "3.0"),
        (-1 / 3, "-0.333333343"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_float_numbers_have_as_many_digits_as_they_need(value, text):
    arrays = {"f": np.array([value], np.float32)}
    assert write_outputs(arrays, True).decode() == f'{{"predictions": [{text}]}}'


def test_every_float_is_read_back_exactly():
    numbers = np.random.default_rng(1).standard_normal(1000)
    for dtype in (np.float32, np.float64):
        values = (numbers * np.logspace(-30, 30, 1000)).astype(dtype)
        found = written({"f": values})["predictions"]
        np.testing.assert_array_equal(np.array(found, dtype), values)


def test_outputs_nest_as_their_shapes():
    arrays = {
        "i": np.arange(12).reshape(2, 3, 2),
        "t": np.array([[b"a", "한".encode()], [b"", b"\xff"]], object),
    }
    rows = [{"i": i, "t": t} for i, t in zip(arrays["i"].tolist(), TEXTS, strict=True)]
    assert written(arrays) == {"predictions": rows}
    assert written(arrays, False) == {
        "outputs": {"i": arrays["i"].tolist(), "t": TEXTS}
    }
    assert written({"i": arrays["i"]}) == {"predictions": arrays["i"].tolist()}
    assert written({"i": np.array(5)}, False) == {"outputs": 5}


TEXTS = [["a", "한"], ["", "\N{REPLACEMENT CHARACTER}"]]


@pytest.mark.parametrize("shape", [(0,), (0, 2), (2, 0), (2, 0, 3)])
def test_empty_outputs(shape):
    array = np.zeros(shape, np.float32)
    assert written({"f": array})["predictions"] == array.tolist()


def test_outputs_that_are_no_rows():
    with pytest.raises(RequestError, match="no shape information"):
        write_outputs({"i": np.array(1)}, True)
    with pytest.raises(RequestError, match="inconsistent batch size: 2 expecting: 3"):
        write_outputs({"i": np.zeros(3, int), "j": np.zeros(2, int)}, True)


def test_no_outputs():
    assert written({}, row_form=False) == {"outputs": {}}
    with pytest.raises(RequestError, match='no outputs.* Received: "instances"'):
        write_outputs({}, True)


def test_an_output_without_json():
    with pytest.raises(RequestError, match="tensor type: complex64"):
        write_outputs({"c": np.zeros(1, np.complex64)}, True)


def test_an_answer_may_not_be_huge():
    array = np.broadcast_to(np.float32(0), (2, MAX_VALUES))
    with pytest.raises(RequestError, match="too large"):
        write_outputs({"f": array}, True)
