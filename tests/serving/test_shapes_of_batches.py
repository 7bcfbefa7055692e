"""Only rows of the same shape are computed together."""

import asyncio

import numpy as np
import tensorflow as tf

from tests.serving.served_models import save_half_plus_two, save_words
from tests.serving.test_service_batches import Upper
from tf_transformer.serving.batcher import Batcher
from tf_transformer.serving.loaded_version import LoadedVersion
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


def test_only_exports_of_this_package_are_batched(tmp_path):
    save_half_plus_two(tmp_path / "half" / "1")
    save_words(tmp_path / "words" / "1", 1)
    half = LoadedVersion("half", 1, tmp_path / "half" / "1")
    assert half.signature(None).only_rows_vary
    assert not half.signature(None).rows_are_independent
    words = LoadedVersion("words", 1, tmp_path / "words" / "1")
    assert words.signature("translate").rows_are_independent
    assert not words.signature("pieces").rows_are_independent
