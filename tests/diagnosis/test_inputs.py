"""Example inputs and the changes that checks make."""

import numpy as np
import pytest

from tf_transformer.diagnosis.inputs import Inputs
from tf_transformer.diagnosis.random_inputs import random_inputs


def make(pad_id=0):
    ids = np.array([[4, 7, 0, 0, 0], [4, 5, 7, 5, 0], [7, 7, 4, 0, 0]])
    return Inputs.of({"ids": ids, "padding_mask": ids != 0}, pad_id)


def test_rows_with_the_most_real_tokens_come_first():
    assert make().arrays["ids"].tolist() == [
        [4, 5, 7, 5, 0],
        [7, 7, 4, 0, 0],
        [4, 7, 0, 0, 0],
    ]


def test_one_row_gets_a_mate_with_other_tokens():
    inputs = Inputs.of(np.array([[3, 9, 8, 0]]), 0)
    first, second = inputs.arrays["inputs"]
    assert first.tolist() == [3, 9, 8, 0]
    assert (second != first).tolist() == [True, True, True, False]
    assert set(second[:3]) <= {3, 8, 9}


def test_masks_follow_their_sequence():
    inputs = make()
    longer = inputs.cut("ids", 3).padded("ids", 4)
    assert longer.arrays["ids"][0].tolist() == [4, 5, 7, 0, 0, 0, 0]
    assert longer.arrays["padding_mask"][0].tolist() == [True] * 3 + [False] * 4
    row = inputs.with_row_of_padding().arrays
    assert not row["ids"][3].any()
    assert not row["padding_mask"][3].any()


def test_another_token_is_of_the_same_kind():
    changed = make().with_other_token("ids", 0, 2).arrays["ids"]
    assert changed[0, 2] in (4, 5)
    changed[0, 2] = 7
    assert np.array_equal(changed, make().arrays["ids"])


def test_features_are_padded_with_their_value():
    features = np.ones((2, 5, 3), "float32")
    features[1, 4] = -1.0
    inputs = Inputs.of([features], -1.0)
    assert inputs.real("0").tolist() == [[True] * 5, [True] * 4 + [False]]
    assert inputs.padded("0", 2).arrays["0"][0, 5:].tolist() == [[-1.0] * 3] * 2


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.ones((3, 5), "int32"), "at least two different"),
        (np.ones((3, 2), "int32"), r"at least one input.*'inputs': 'int32 \(3, 2\)'"),
        (np.ones((3, 5)), r"integer ids.* Received: {'inputs': 'float64 \(3, 5\)'}"),
        (np.full((3, 5, 4), "a"), r"at least one input.*'<U1 \(3, 5, 4\)'"),
        ({"a": {"b": np.ones((3, 5))}}, "at least one input.*'a': 'dict'"),
        (np.ones((0, 5, 3)), r"not be empty. Received: .*float64 \(0, 5, 3\)"),
        ([np.ones((3, 5)), np.ones((2, 5))], "same number of rows"),
    ],
)
def test_inputs_in_which_nothing_can_be_changed_are_refused(inputs, message):
    with pytest.raises(ValueError, match=message):
        Inputs.of(inputs, 0)


def test_a_model_of_unknown_inputs_needs_examples():
    from tests.diagnosis.parts import Encoder

    with pytest.raises(ValueError, match="inputs of the model are not known"):
        random_inputs(Encoder())
