"""Decoding token by token gives the logits of whole sentences."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.backend import in_graph
from tests.further import further
from tests.models.small_model import SOURCE, make_model, numbers, shared_model

LENGTH = 6
NORMS = pytest.mark.parametrize(
    "normalize_first", [False, True], ids=["post-norm", "pre-norm"]
)


def prefixes(beam_size):
    """Different tokens for each hypothesis, all after the start token 2."""
    random = np.random.default_rng(beam_size)
    ids = random.integers(4, 23, size=(2 * beam_size, LENGTH), dtype="int32")
    ids[:, 0] = 2
    return ids


def teacher_forced(model, target_ids):
    beam_size = len(target_ids) // 2
    source = np.repeat(SOURCE, beam_size, axis=0)
    return numbers(model({"source_ids": source, "target_ids": target_ids}))


def stepped(model, target_ids, step=None, spare=3):
    beam_size = len(target_ids) // 2
    encoded = model.encode(ops.convert_to_tensor(SOURCE))
    state = model.start(encoded, LENGTH + spare, beam_size)
    logits = []
    for token_ids in target_ids.T:
        answer, state = (step or model.step)(ops.convert_to_tensor(token_ids), state)
        logits.append(numbers(answer))
    return np.stack(logits, axis=1)


@pytest.mark.moderate
@NORMS
@pytest.mark.parametrize("target_vocab_size", [None, 29], ids=["shared", "separate"])
@pytest.mark.parametrize("beam_size", [*further(1), 3])
def test_steps_equal_teacher_forcing(normalize_first, target_vocab_size, beam_size):
    model = shared_model(normalize_first, target_vocab_size)
    target_ids = prefixes(beam_size)
    logits = stepped(model, target_ids)
    expected = teacher_forced(model, target_ids)
    assert logits.shape == expected.shape
    np.testing.assert_allclose(logits, expected, atol=3e-5)
    assert np.abs(logits[0] - logits[-1]).max() > 0.01


@pytest.mark.moderate
def test_steps_equal_teacher_forcing_with_learned_positions():
    model = shared_model(learned_positions=True)
    target_ids = prefixes(3)
    expected = teacher_forced(model, target_ids)
    np.testing.assert_allclose(stepped(model, target_ids), expected, atol=3e-5)


@pytest.mark.long
def test_steps_inside_a_graph_equal_teacher_forcing():
    model = shared_model()
    target_ids = prefixes(3)
    logits = stepped(model, target_ids, step=in_graph(model.step))
    np.testing.assert_allclose(logits, teacher_forced(model, target_ids), atol=3e-5)


@pytest.mark.moderate
def test_every_step_up_to_the_maximum_length_is_correct():
    model = shared_model()
    target_ids = prefixes(1)
    expected = teacher_forced(model, target_ids)
    logits = stepped(model, target_ids, spare=0)
    np.testing.assert_allclose(logits, expected, atol=3e-5)


@pytest.mark.long
def test_low_precision_steps_follow_teacher_forcing():
    model = shared_model(dtype="mixed_bfloat16")
    target_ids = prefixes(3)
    expected = teacher_forced(model, target_ids)
    error = np.abs(stepped(model, target_ids) - expected).max()
    assert error < 10 * 2.0**-8 * np.abs(expected).max()


@pytest.mark.moderate
@NORMS
def test_after_a_reorder_each_hypothesis_has_its_new_history(normalize_first):
    model = shared_model(normalize_first)
    first, second = prefixes(3)[:, :3], prefixes(3)[:, 3:]
    # sentence 0 keeps its hypotheses 2, 0, 0; sentence 1 its 1, 1, 2
    survivors = np.array([2, 0, 0, 4, 4, 5])
    state = model.start(model.encode(ops.convert_to_tensor(SOURCE)), LENGTH, 3)
    for token_ids in first.T:
        _, state = model.step(ops.convert_to_tensor(token_ids), state)
    state["hypothesis"] = keras.tree.map_structure(
        lambda x: ops.take(x, survivors, axis=0), state["hypothesis"]
    )
    logits = []
    for token_ids in second.T:
        answer, state = model.step(ops.convert_to_tensor(token_ids), state)
        logits.append(numbers(answer))
    histories = np.concatenate([first[survivors], second], axis=1)
    expected = teacher_forced(model, histories)[:, 3:]
    np.testing.assert_allclose(np.stack(logits, axis=1), expected, atol=3e-5)
    forgotten = np.concatenate([first, second], axis=1)
    without_reorder = teacher_forced(model, forgotten)[:, 3:]
    assert np.abs(without_reorder - expected).max() > 0.01


def test_state_keeps_sentence_and_hypothesis_apart():
    model = shared_model()
    state = model.start(model.encode(ops.convert_to_tensor(SOURCE)), 9, 3)
    assert set(state) == {"position", "sentence", "hypothesis", "projection"}
    assert int(state["position"]) == 0
    sizes = {
        part: {x.shape[0] for x in keras.tree.flatten(state[part])}
        for part in ("sentence", "hypothesis")
    }
    assert sizes == {"sentence": {2}, "hypothesis": {6}}
    logits, after = model.step(ops.full([6], 2), state)
    assert int(after["position"]) == 1
    own = {name: state[name] for name in ("position", "sentence", "hypothesis")}
    again, _ = model.step(ops.full([6], 2), own)  # made by a `start` of one's own
    np.testing.assert_array_equal(again, logits)
    keras.tree.assert_same_structure(after, state)
    shapes = [x.shape for x in keras.tree.flatten(state)]
    assert [x.shape for x in keras.tree.flatten(after)] == shapes
    computed_once = [
        keras.tree.flatten({**part["sentence"], "caches": {}})
        for part in (state, after)
    ]
    for before, kept in zip(*computed_once, strict=True):
        np.testing.assert_array_equal(before, kept)


@pytest.mark.long
def test_padding_of_the_source_does_not_change_a_step():
    model = shared_model()
    answers = []
    for source in (SOURCE[1:, :4], SOURCE[1:], np.pad(SOURCE[1:], [(0, 0), (0, 9)])):
        state = model.start(model.encode(ops.convert_to_tensor(source)), LENGTH, 1)
        for token_id in (2, 14, 5):
            logits, state = model.step(ops.convert_to_tensor([token_id]), state)
        answers.append(numbers(logits))
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-5)
    np.testing.assert_allclose(answers[2], answers[0], atol=1e-5)


@pytest.mark.long
def test_dropout_never_acts_in_a_step():
    target_ids = prefixes(3)
    calm, dropping = make_model(), make_model(dropout_rate=0.5)
    dropping.set_weights(calm.get_weights())
    np.testing.assert_array_equal(
        stepped(dropping, target_ids), stepped(calm, target_ids)
    )
