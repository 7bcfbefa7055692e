"""Errors of requests, with the codes of TensorFlow Serving."""

import tensorflow as tf

from tf_transformer.utils.tensorflow_errors import failed_assertion, without_node_names

# The HTTP status with which TensorFlow Serving answers a status code of TensorFlow. The
# last three codes are not TensorFlow's.
HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "MISDIRECTED": 421,
}


class RequestError(ValueError):
    """A request that is answered with an error, with a body `{"error": message}`.

    Args:
        code: A key of `HTTP_STATUS`.
        message: Description of the fault, for the client.
        headers: Optional headers of the answer.

    Example:

    >>> RequestError("NOT_FOUND", "No such model.").http_status
    404
    """

    def __init__(self, code: str, message: str, headers: dict | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = headers or {}

    @property
    def http_status(self) -> int:
        """The answer's status."""
        return HTTP_STATUS[self.code]


def invalid(message: str) -> RequestError:
    """Returns the error for an invalid request."""
    return RequestError("INVALID_ARGUMENT", message)


def status_code(error: Exception) -> str:
    """TensorFlow's status code of an error."""
    kinds = {
        tf.errors.InvalidArgumentError: "INVALID_ARGUMENT",
        tf.errors.FailedPreconditionError: "FAILED_PRECONDITION",
        tf.errors.OutOfRangeError: "OUT_OF_RANGE",
        tf.errors.UnimplementedError: "UNIMPLEMENTED",
        tf.errors.ResourceExhaustedError: "RESOURCE_EXHAUSTED",
        tf.errors.NotFoundError: "NOT_FOUND",
        tf.errors.DataLossError: "DATA_LOSS",
        FileNotFoundError: "NOT_FOUND",
        TimeoutError: "DEADLINE_EXCEEDED",
    }
    for kind, code in kinds.items():
        if isinstance(error, kind):
            return code
    return "INTERNAL" if isinstance(error, tf.errors.OpError) else "UNKNOWN"


def from_tensorflow(error: tf.errors.OpError) -> RequestError:
    """Returns the error for a failed computation, without names of graph nodes."""
    message = failed_assertion(error.message) or without_node_names(error.message)
    return RequestError(status_code(error), message)
