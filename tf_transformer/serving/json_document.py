"""The body of a request as a JSON object."""

import json
import re

from tf_transformer.serving.errors import invalid
from tf_transformer.serving.json_values import shown, type_name

# Python's error messages, and the messages of TensorFlow Serving's parser
PARSER_MESSAGES = (
    ("Extra data", "The document root must not be followed by other values."),
    ("Expecting property name", "Missing a name for object member."),
    ("Expecting ':'", "Missing a colon after a name of object member."),
    ("Expecting ','", "Missing a comma or ] after an array element."),
    ("Unterminated string", "Missing a closing quotation mark in string."),
    ("Invalid \\escape", "Invalid escape character in string."),
    ("Invalid \\u", "Incorrect hex digit after \\u escape in string."),
    ("Invalid control", "Invalid encoding in string."),
    ("", "Invalid value."),
)
MAX_DEPTH = 60  # NumPy's arrays have at most 64 dimensions
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_document(body: bytes) -> dict:
    """Parses the JSON object of a body. NaN and Infinity are numbers.

    Example:

    >>> read_document(b'{"inputs": [NaN, 2]}')
    {'inputs': [nan, 2]}

    Raises:
        RequestError: If the body is not a JSON object.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _parse_error("Invalid encoding in string.", error.start) from error
    if not text.strip():
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = json.loads(text)
        num_nested = text.count("[") + text.count("{")
        if num_nested > MAX_DEPTH and _is_deeper(document, MAX_DEPTH):
            raise RecursionError
        if SURROGATE.search(text):
            # half of a surrogate pair is not a character and could not be sent back
            json.dumps(document, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        message = next(m for start, m in PARSER_MESSAGES if error.msg.startswith(start))
        raise _parse_error(message, len(text[: error.pos].encode())) from error
    except UnicodeEncodeError as error:
        raise invalid(
            "JSON Parse error: The surrogate pair in string is invalid."
        ) from error
    except RecursionError as error:
        raise invalid("JSON Parse error: The document is nested too deep.") from error
    except ValueError as error:  # an integer of thousands of digits
        raise invalid(
            "JSON Parse error: Number too big to be stored in double."
        ) from error
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {shown(document)} Is not object")
    return document


def signature_name(document: dict) -> str:
    """The signature that a request asks for; "" for the default.

    Raises:
        RequestError: If it is not a string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {shown(document)} not formatted correctly. 'signature_name' "
            "key must be a string value."
        )
    return name


def check_examples(document: dict) -> None:
    """Refuses a classify or regress request without examples.

    Raises:
        RequestError: If `examples` is not a list of objects.
    """
    if "context" in document:
        _check_example(document["context"])
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {shown(document)} When method is classify, key 'examples' is "
            "expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid(
            f"JSON Value: {shown(document)} Expecting 'examples' value to be an "
            "list/array"
        )
    if not examples:
        raise invalid(
            f"JSON Value: {shown(document)} 'examples' value is an empty array"
        )
    for example in examples:
        _check_example(example)


def _is_deeper(document, most: int) -> bool:
    """Whether lists and objects are nested more than `most` deep."""
    level = [document]
    for _ in range(most + 1):
        level = [
            value
            for parent in level
            if isinstance(parent, list | dict)
            for value in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return bool(level)


def _check_example(example) -> None:
    if not isinstance(example, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_name(example)}")


def _parse_error(message: str, offset: int):
    return invalid(f"JSON Parse error: {message} at offset: {offset}")
