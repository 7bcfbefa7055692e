"""The values of a tensor, where there are values to read."""

import numpy as np


def known_values(tensor) -> np.ndarray | None:
    """The values of a tensor as an array, or `None`.

    There are no values yet in a compiled function while it is traced, and in a
    functional model; NumPy cannot read every accelerator.

    Args:
        tensor: Tensor of any backend, or an array.

    Example:

    >>> from keras import ops
    >>> known_values(ops.array([1, 2])).tolist()
    [1, 2]
    """
    try:
        return np.asarray(tensor)
    except (NotImplementedError, TypeError, ValueError, RuntimeError):
        return None
