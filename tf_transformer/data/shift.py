"""The decoder's input: the labels, shifted one position to the right."""

import numpy as np

from tf_transformer.ids import BOS_ID, PAD_ID


def shift_right(labels):
    """begin, y_1, ..., y_m instead of y_1, ..., y_m, end; padding stays padding.

    Args:
        labels: Integer array or tensor `(B, T)`.

    Returns:
        The target ids `(B, T)`: a NumPy array if `labels` is one, otherwise a tensor.

    Example:

    >>> shift_right(np.array([[7, 8, 3], [9, 3, 0]])).tolist()
    [[2, 7, 8], [2, 9, 0]]
    """
    if isinstance(labels, np.ndarray):
        functions = np
    else:
        from keras import ops as functions
    begin = functions.full_like(labels[:, :1], BOS_ID)
    shifted = functions.concatenate([begin, labels[:, :-1]], axis=1)
    is_token = functions.not_equal(labels, PAD_ID)
    return functions.where(is_token, shifted, functions.zeros_like(labels))
