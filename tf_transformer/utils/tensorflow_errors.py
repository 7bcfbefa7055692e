"""TensorFlow's error messages without the names of a graph's nodes."""

import re

_NODE_NAMES = re.compile(
    r"Graph execution error:.*<stack traces unavailable>\s*"
    r"|\{\{function_node [^}]*}} ?|\s*\[\[.*|\s*\[Op:.*",
    re.DOTALL,
)
_FAILED_ASSERTION = re.compile(
    r"assertion failed: \[(.*Received:)\] \[(\d+)\](?: \[(\w+)\])?"
)


def without_node_names(message: str) -> str:
    """An error message without the names of nodes.

    Example:

    >>> without_node_names("{{function_node __inference_f_7}} Bad. [Op:Assert]")
    'Bad.'
    """
    return _NODE_NAMES.sub("", message).strip()


def failed_assertion(message: str) -> str | None:
    """The message of an exported graph about a text that is too long for it.

    Returns:
        The message of the assertion with the number and its unit, tokens by default, or
        `None` for another error.

    Example:

    >>> failed_assertion("assertion failed: [Too long. Received:] [70]\\n [[node]]")
    'Too long. Received: 70 tokens'
    """
    match = _FAILED_ASSERTION.search(message)
    return f"{match[1]} {match[2]} {match[3] or 'tokens'}" if match else None
