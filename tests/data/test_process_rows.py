"""Processes share the rows of a batch: each row once."""

import keras
import numpy as np
import pytest

from tf_transformer.data.process_rows import process_rows, share_of_rows
from tf_transformer.data.update_weights import UpdateWeights


@pytest.mark.parametrize("num_rows", [1, 5, 8, 11, 24])
@pytest.mark.parametrize(
    ("num_replicas", "num_processes"), [(1, 1), (2, 1), (4, 2), (3, 3), (12, 4)]
)
def test_each_row_is_in_one_process(num_rows, num_replicas, num_processes):
    rows = np.arange(1, 1 + 3 * num_rows).reshape(num_rows, 3)
    shares = [
        share_of_rows(rows, num_replicas, process, num_processes)
        for process in range(num_processes)
    ]
    # equal shares, which the process' replicas can divide
    (size,) = {len(share) for share in shares}
    assert size % (num_replicas // num_processes) == 0
    together = np.concatenate(shares)
    np.testing.assert_array_equal(together[:num_rows], rows)
    assert not together[num_rows:].any()
    assert len(together) - num_rows < num_replicas


def test_without_a_distribution_a_batch_is_not_changed():
    batch = ({"source_ids": 1}, 2, UpdateWeights(3))
    assert process_rows(batch, None) is batch


def test_under_a_distribution_all_parts_of_a_batch_are_filled_up(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    place = "tf_transformer.data.process_rows.process_place"
    monkeypatch.setattr(place, lambda: (1, 2))
    ids = np.arange(1, 11).reshape(5, 2)
    inputs = {"source_ids": ids, "target_ids": ids}
    weights = UpdateWeights(np.full((5, 2), 0.5, "float32"))

    class Four:
        num_model_replicas = 4

    share, labels, found = process_rows((inputs, ids, weights), Four())
    expected = np.array([[9, 10], [0, 0], [0, 0], [0, 0]])
    for rows in (*share.values(), labels):
        np.testing.assert_array_equal(rows, expected)
    assert isinstance(found, UpdateWeights)
    np.testing.assert_array_equal(found.weights, np.where(expected, 0.5, 0.0))
    assert keras.tree.flatten(found)[0].dtype == "float32"
