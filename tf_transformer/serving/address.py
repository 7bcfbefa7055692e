"""Parses the path of a request."""

import re
from typing import NamedTuple
from urllib.parse import unquote

from tf_transformer.serving.errors import invalid
from tf_transformer.serving.folder import MAX_VERSION

VERSION = r"(?:/versions/(\d+)|/labels/([^/:]+))?"
COMPUTE = re.compile(
    rf"/v1/models/([^/:]+){VERSION}:(classify|regress|predict)",
    re.ASCII | re.IGNORECASE,
)
DESCRIBE = re.compile(
    rf"/v1/models(?:/([^/:]+))?{VERSION}(?:/(metadata))?", re.ASCII | re.IGNORECASE
)


class Address(NamedTuple):
    """An endpoint and a model.

    `endpoint` is "predict", "classify", "regress", "metadata", "status" or "models".
    """

    endpoint: str
    model: str | None = None
    version: int | None = None
    label: str | None = None


def read_address(method: str, path: str) -> Address:
    """Parses the path of a request under `/v1/`, as TensorFlow Serving does.

    Args:
        method: "GET" or "POST"; other methods are errors.
        path: The path as it was sent, still quoted.

    Example:

    >>> read_address("POST", "/v1/models/mine/versions/3:predict")
    Address(endpoint='predict', model='mine', version=3, label=None)

    Raises:
        RequestError: If there is no such endpoint.
    """
    malformed = invalid(f"Malformed request: {method} {path}")
    pattern = {"POST": COMPUTE, "GET": DESCRIBE}.get(method)
    match = pattern and pattern.fullmatch(path)
    if not match:
        raise malformed
    model, version, label, endpoint = match.groups()
    if version is not None and int(version) > MAX_VERSION:
        raise invalid(f"Failed to convert version: {version} to numeric.")
    if method == "POST":
        if endpoint != endpoint.lower():
            raise malformed
    elif model is None:
        if path.lower() != "/v1/models":
            raise invalid("Missing model name in request.")
        endpoint = "models"
    else:
        endpoint = "metadata" if endpoint == "metadata" else "status"
    return Address(
        endpoint,
        model and unquote(model),
        None if version is None else int(version),
        label and unquote(label),
    )
