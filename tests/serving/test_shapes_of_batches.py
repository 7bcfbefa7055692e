"""Only rows of the same shape are computed together."""

import asyncio

import numpy as np
import tensorflow as tf

from tests.serving.test_service_batches import Upper
from tf_transformer.serving.batcher import Batcher
from tf_transformer.serving.metrics import Metrics
from tf_transformer.serving.settings import ServiceSettings


class Sums(Upper):
    """Adds up the ids of each row, and records the shapes of its batches."""

    def __init__(self):
        self.inputs = {"ids": tf.TensorSpec([None, None], tf.int32)}
        self.shapes = []

    def num_rows(self, arrays):
        return len(arrays["ids"])

    def __call__(self, arrays):
        self.shapes.append(arrays["ids"].shape)
        return {"sum": arrays["ids"].sum(axis=1)}


def test_rows_of_other_shapes_are_other_batches():
    signature = Sums()

    async def compute():
        batcher = Batcher(ServiceSettings(batch_delay=0.05), Metrics())
        shapes = (1, 3), (2, 5), (1, 3)
        rows = [{"ids": np.ones(shape, "int32")} for shape in shapes]
        return await asyncio.gather(*(batcher.compute(signature, x) for x in rows))

    found = [outputs["sum"].tolist() for outputs in asyncio.run(compute())]
    assert found == [[3], [5, 5], [3]]
    assert sorted(signature.shapes) == [(2, 3), (2, 5)]
