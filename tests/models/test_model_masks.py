"""No influence of the future, of padding, or of other rows of the batch."""

import numpy as np
import pytest
from keras import ops

from tests.backend import dtype_of, in_graph, variable_gradients
from tests.models.small_model import SOURCE, TARGET, make_model, numbers, shared_model

LONG_TARGET = np.random.default_rng(2).integers(4, 23, size=(1, 11), dtype="int32")
ONE_SOURCE = SOURCE[:1]
NORMS = pytest.mark.parametrize(
    "normalize_first", [False, True], ids=["post-norm", "pre-norm"]
)
POSITIONS = (0, 1, 9, 10)  # at and near the beginning, near and at the end


@pytest.mark.long
@NORMS
def test_logits_have_gradients_from_the_past_and_none_from_the_future(normalize_first):
    # the gradient of a learned position is that of the vector it is added to
    model = shared_model(normalize_first, learned_positions=True)
    vectors = [model.target_positions.table]

    inputs = {"source_ids": ONE_SOURCE, "target_ids": LONG_TARGET}
    for position in POSITIONS:
        (gradient,) = variable_gradients(
            lambda at=position: ops.sum(model(inputs)[0, at] ** 2), vectors
        )
        size = np.abs(gradient).max(axis=1)
        assert np.all(size[: position + 1] > 1e-6)
        assert np.all(size[position + 1 :] == 0.0)


@pytest.mark.moderate
@NORMS
def test_future_tokens_do_not_change_the_past(normalize_first):
    model = shared_model(normalize_first)
    before = model({"source_ids": ONE_SOURCE, "target_ids": LONG_TARGET})
    for position in POSITIONS:
        changed = LONG_TARGET.copy()
        changed[:, position:] = 26 - changed[:, position:]  # other real tokens
        assert changed.min() > 0
        after = model({"source_ids": ONE_SOURCE, "target_ids": changed})
        np.testing.assert_array_equal(after[:, :position], before[:, :position])
        moved = np.abs(numbers(after) - before).max(axis=(0, 2))
        assert np.all(moved[position:] > 1e-5)


@pytest.mark.long
def test_shorter_target_has_the_same_logits():
    model = shared_model()
    whole = model({"source_ids": ONE_SOURCE, "target_ids": LONG_TARGET})
    for length in (2, 3, 10):
        part = model({"source_ids": ONE_SOURCE, "target_ids": LONG_TARGET[:, :length]})
        np.testing.assert_allclose(part, whole[:, :length], atol=1e-5)


@pytest.mark.long
def test_every_real_source_token_matters_to_every_target_position():
    model = shared_model(learned_positions=True)
    vectors = [model.source_positions.table]
    source = np.array([[6, 11, 8, 3, 0, 0, 0]], "int32")
    inputs = {"source_ids": source, "target_ids": TARGET[:1]}
    for position in range(5):
        (gradient,) = variable_gradients(
            lambda at=position: ops.sum(model(inputs)[0, at] ** 2), vectors
        )
        size = np.abs(gradient).max(axis=1)
        assert np.all(size[:4] > 1e-6)
        assert np.all(size[4:] == 0.0)


def call(model, is_graph):
    function = in_graph(lambda x: model(x)) if is_graph else model

    def run(source, target):
        return numbers(function({"source_ids": source, "target_ids": target}))

    return run


def padded(ids, length):
    return np.pad(ids, [(0, 0), (0, length - ids.shape[1])])


CALLS = pytest.mark.parametrize(
    "is_graph",
    [
        pytest.param(False, id="eager"),
        pytest.param(True, id="graph", marks=pytest.mark.long),
    ],
)


@pytest.mark.moderate
@CALLS
@NORMS
def test_padding_does_not_change_an_answer(is_graph, normalize_first):
    run = call(shared_model(normalize_first), is_graph)
    source, target = SOURCE[1:, :4], TARGET[1:, :3]
    alone = run(source, target)
    for source_length, target_length in ((4, 5), (7, 3), (7, 5), (19, 3), (19, 19)):
        answer = run(padded(source, source_length), padded(target, target_length))
        np.testing.assert_allclose(answer[:, :3], alone, atol=1e-5)


@pytest.mark.moderate
@CALLS
@NORMS
def test_other_rows_of_the_batch_do_not_change_an_answer(is_graph, normalize_first):
    run = call(shared_model(normalize_first), is_graph)
    mates = [
        (SOURCE[:1], TARGET[:1]),
        (np.full((1, 7), 22, "int32"), np.full((1, 5), 21, "int32")),
        (np.zeros((1, 7), "int32"), TARGET[:1]),  # an empty source
        (np.zeros((1, 7), "int32"), np.zeros((1, 5), "int32")),  # padding alone
    ]
    alone = run(SOURCE[1:, :4], TARGET[1:, :3])
    for mate_source, mate_target in mates:
        answers = run(
            np.concatenate([mate_source, SOURCE[1:]]),
            np.concatenate([mate_target, TARGET[1:]]),
        )
        assert np.all(np.isfinite(answers))
        np.testing.assert_allclose(answers[1:, :3], alone, atol=1e-5)


def test_order_of_the_batch_is_the_order_of_the_answers():
    model = shared_model()
    answers = numbers(model({"source_ids": SOURCE, "target_ids": TARGET}))
    turned = model(
        {"source_ids": SOURCE[::-1].copy(), "target_ids": TARGET[::-1].copy()}
    )
    np.testing.assert_allclose(numbers(turned)[::-1], answers, atol=1e-5)


def test_order_of_the_source_words_matters():
    model = shared_model()
    answers = numbers(model({"source_ids": ONE_SOURCE, "target_ids": TARGET[:1]}))
    turned = model({"source_ids": ONE_SOURCE[:, ::-1].copy(), "target_ids": TARGET[:1]})
    assert np.abs(turned - answers).max() > 0.01


@pytest.mark.long
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_low_precision_has_no_nan_even_beside_rows_of_padding(policy):
    model = make_model(dtype=policy)
    exact = make_model()
    exact.set_weights(model.get_weights())
    source = np.concatenate([SOURCE, np.zeros((1, 7), "int32")])
    target = np.concatenate([TARGET, np.zeros((1, 5), "int32")])
    inputs = {"source_ids": source, "target_ids": target}
    logits = model(inputs)
    assert dtype_of(logits) == "float32"
    expected = numbers(exact(inputs))
    unit = {"mixed_bfloat16": 2.0**-8, "mixed_float16": 2.0**-11}[policy]
    assert np.abs(logits - expected).max() < 20 * unit * np.abs(expected).max()
    gradients = variable_gradients(
        lambda: ops.mean(model(inputs) ** 2), model.trainable_variables
    )
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert weight.dtype == "float32"
        assert np.all(np.isfinite(gradient)), weight.path
