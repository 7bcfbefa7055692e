"""The rows of each batch that a process of a `keras.distribution` computes."""

import keras
import numpy as np

from tf_transformer.data.window import Batch
from tf_transformer.ids import PAD_ID
from tf_transformer.utils.processes import process_place


def process_rows(batch: Batch, distribution) -> Batch:
    """Returns this process' share of a batch.

    Rows of padding, with weight 0, complete the batch to a multiple of the number of
    devices that share it; each process then takes an equal part of the rows. Together,
    the processes have each row once.

    Args:
        batch: `(inputs, labels, weights)` of arrays `(B, L)`, the same in each process.
        distribution: The `keras.distribution.Distribution` that is set, or `None`.

    Returns:
        The batch, or the share; without a distribution, or on TensorFlow, the batch.
    """
    if distribution is None or keras.backend.backend() != "jax":
        return batch
    return keras.tree.map_structure(
        lambda rows: share_of_rows(
            rows, distribution.num_model_replicas, *process_place()
        ),
        batch,
    )


def share_of_rows(
    rows: np.ndarray, num_replicas: int, process: int, num_processes: int
) -> np.ndarray:
    """Pads the rows for the replicas and returns the rows of one process.

    Args:
        rows: Array `(B, L)`.
        num_replicas: Integer. Copies of the model; a multiple of `num_processes`.
        process: Integer. The process.
        num_processes: Integer. Number of processes.

    Example:

    >>> rows = np.arange(1, 7).reshape(3, 2)
    >>> share_of_rows(rows, num_replicas=2, process=1, num_processes=2).tolist()
    [[5, 6], [0, 0]]
    """
    missing = -len(rows) % num_replicas
    rows = np.pad(rows, [(0, missing), (0, 0)], constant_values=PAD_ID)
    size = len(rows) // num_processes
    return rows[process * size : (process + 1) * size]
