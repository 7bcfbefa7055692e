"""The program of docs/training.md."""

import numpy as np
import pytest
from keras import ops

from tests.document_blocks import python_blocks
from tf_transformer.data.shift import shift_right


@pytest.mark.moderate
def test_vectors_are_used_frozen_weights_stay_and_lora_trains():
    *preparing, fitting, saving = python_blocks("docs/training.md")
    found = {}
    exec("".join(preparing), found)
    model, vectors = found["model"], found["vectors"]
    np.testing.assert_allclose(
        model.source_embedding(np.array([[7, 28]]))[0], vectors[[7, 28]], rtol=1e-5
    )
    dense = model.decoder.blocks[0].feed_forward.inner_dense
    frozen = [*model.encoder.weights, dense._kernel]
    trained = [dense.lora_kernel_b, *model.source_embedding.weights]
    before = [ops.convert_to_numpy(w).copy() for w in (*frozen, *trained)]
    exec(fitting, found)
    np.testing.assert_array_equal(found["target_ids"], shift_right(found["labels"]))
    changed = [
        not np.array_equal(ops.convert_to_numpy(weight), value)
        for weight, value in zip((*frozen, *trained), before, strict=True)
    ]
    assert changed == [False] * len(frozen) + [True] * len(trained)
    inputs = {"source_ids": found["labels"], "target_ids": found["target_ids"]}
    expected = ops.convert_to_numpy(model(inputs))
    exec(saving, found)
    assert found["model"] is not model and found["model"].compiled
    np.testing.assert_allclose(found["model"](inputs), expected, atol=1e-5)
