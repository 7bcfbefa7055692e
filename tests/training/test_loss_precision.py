"""The loss is computed in float32, whatever the precision of the logits."""

import keras
import pytest
from keras import ops

from tests.backend import dtype_of
from tests.training.loss_batches import batch, by_reference
from tf_transformer.training.losses import MaskedCrossEntropy


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_logits_have_a_float32_loss(dtype):
    labels, logits = batch(seed=7)
    halves = ops.cast(logits * 10, dtype)
    loss = MaskedCrossEntropy(0.1)(labels, halves)
    assert dtype_of(loss) == "float32"
    rounded = ops.convert_to_numpy(ops.cast(halves, "float32"))
    expected = by_reference(labels, rounded, 0.1).sum() / 11
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_policies_keep_a_float32_loss(policy):
    keras.config.set_dtype_policy(policy)
    labels, logits = batch(seed=8)
    loss = MaskedCrossEntropy(0.1)(labels, logits)
    assert dtype_of(loss) == "float32"
    expected = by_reference(labels, logits, 0.1).sum() / 11
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_huge_logits_make_no_infinity():
    labels, logits = [[1, 2]], [[[0.0, 1e4, 0.0], [0.0, 1e4, 0.0]]]
    assert float(MaskedCrossEntropy()(labels, logits)) == pytest.approx(5e3)
