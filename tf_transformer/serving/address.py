"""What the path of a request asks for."""

import re
from typing import NamedTuple
from urllib.parse import unquote

from tf_transformer.serving.errors import invalid

VERSION = r"(?:/versions/(\d+)|/labels/([^/:]+))?"
COMPUTE = re.compile(
    rf"/v1/models/([^/:]+){VERSION}:(classify|regress|predict)",
    re.ASCII | re.IGNORECASE,
)
DESCRIBE = re.compile(
    rf"/v1/models(?:/([^/:]+))?{VERSION}(?:/(metadata))?", re.ASCII | re.IGNORECASE
)
LARGEST_VERSION = 2**63 - 1


class Address(NamedTuple):
    """A door, and the model that it is asked of.

    `door` is "predict", "classify", "regress", "metadata", "status" or "models".
    """

    door: str
    model: str | None = None
    version: int | None = None
    label: str | None = None


def read_address(method: str, path: str) -> Address:
    """The address of a request under `/v1/`, read as TensorFlow Serving reads it.

    Args:
        method: "GET" or "POST"; nothing else has an address.
        path: The path as it was sent, still quoted.

    Example:

    >>> read_address("POST", "/v1/models/mine/versions/3:predict")
    Address(door='predict', model='mine', version=3, label=None)

    Raises:
        RequestError: If there is no such door.
    """
    malformed = invalid(f"Malformed request: {method} {path}")
    pattern = {"POST": COMPUTE, "GET": DESCRIBE}.get(method)
    match = pattern and pattern.fullmatch(path)
    if not match:
        raise malformed
    model, version, label, door = match.groups()
    if version is not None and int(version) > LARGEST_VERSION:
        raise invalid(f"Failed to convert version: {version} to numeric.")
    if method == "POST":
        if door != door.lower():
            raise malformed
    elif model is None:
        if path.lower() != "/v1/models":
            raise invalid("Missing model name in request.")
        door = "models"
    else:
        door = "metadata" if door == "metadata" else "status"
    return Address(
        door,
        model and unquote(model),
        None if version is None else int(version),
        label and unquote(label),
    )
