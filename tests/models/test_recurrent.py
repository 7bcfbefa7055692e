"""The recurrent model: formulas of the papers, and the methods of `SequenceModel`."""

import functools
import json

import keras
import numpy as np
import pytest
from keras import ops

from tests.backend import dtype_of, in_graph
from tests.models.small_model import INPUTS, SOURCE, TARGET, numbers
from tests.recurrent_reference import sentence_logits
from tests.reference import weights_of
from tf_transformer.models import RecurrentSeq2Seq, Transformer
from tf_transformer.training import MaskedCrossEntropy

VOCAB, TARGET_VOCAB, MAX_LENGTH, LENGTH = 23, 29, 19, 6
SCORES = ("dot", "scaled_dot", "general", "additive", "concat", None)
# every score with one cell, every cell with one score
KINDS = [
    ("gru", "additive"),
    ("lstm", None),
    *(
        pytest.param("gru", s, marks=pytest.mark.long)
        for s in SCORES
        if s != "additive"
    ),
    pytest.param("lstm", "general", marks=pytest.mark.long),
]
ALL_KINDS = pytest.mark.parametrize(("cell", "score"), KINDS)
SOME = [("gru", "additive"), ("lstm", None), ("lstm", "general")]
TWO_KINDS = pytest.mark.parametrize(("cell", "score"), SOME[:2])
THREE_KINDS = pytest.mark.parametrize(("cell", "score"), SOME)


def make_model(cell="gru", score="general", **changes):
    """Two layers; biases are random too, so that none can be lost."""
    arguments = {"num_layers": 2, "d_model": 12, "dropout_rate": 0.0, **changes}
    arguments = {"max_length": MAX_LENGTH, **arguments}
    keras.utils.set_random_seed(3)
    model = RecurrentSeq2Seq(VOCAB, cell=cell, score=score, **arguments)
    random = np.random.default_rng(4)
    for weight in model.weights:
        weight.assign(weight + random.normal(scale=0.2, size=weight.shape))
    return model


shared_model = functools.cache(make_model)


@pytest.mark.moderate
@ALL_KINDS
def test_equals_the_papers(cell, score):
    model = shared_model(cell, score)
    logits = numbers(model(INPUTS))
    weights = weights_of(model)
    seen = model.attend(INPUTS)
    assert set(seen) == (set() if score is None else {"cross"})
    for row, (source_ids, target_ids) in enumerate(zip(SOURCE, TARGET, strict=True)):
        expected, rows = sentence_logits(weights, source_ids, target_ids, cell, score)
        np.testing.assert_allclose(logits[row], expected, atol=2e-5)
        if score is not None:
            assert seen["cross"].shape == (2, 1, 1, 5, 7)
            found = numbers(seen["cross"])[row, 0, 0]
            np.testing.assert_allclose(found[:, : rows.shape[1]], rows, atol=2e-6)
            assert not found[:, rows.shape[1] :].any()


def test_equals_the_papers_with_two_vocabularies():
    model = shared_model(target_vocab_size=TARGET_VOCAB)
    logits = numbers(model(INPUTS))
    assert logits.shape == (2, 5, TARGET_VOCAB)
    for row, pair in enumerate(zip(SOURCE, TARGET, strict=True)):
        expected, _ = sentence_logits(weights_of(model), *pair, "gru", "general")
        np.testing.assert_allclose(logits[row], expected, atol=2e-5)


@pytest.mark.moderate
def test_call_is_decode_of_encode():
    model = shared_model()
    encoded = model.encode(SOURCE)
    assert encoded["states"].shape == (2, 7, 12)
    np.testing.assert_array_equal(encoded["padding_mask"], SOURCE != 0)
    np.testing.assert_array_equal(model.decode(TARGET, encoded), model(INPUTS))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_without_attention_the_decoder_gets_one_vector(cell):
    encoded = shared_model(cell, None).encode(SOURCE)
    assert encoded["states"].shape == (2, 1, 12)
    np.testing.assert_array_equal(
        encoded["states"][:, 0], encoded["last_states"][-1][0]
    )


def prefixes(beam_size):
    random = np.random.default_rng(beam_size)
    ids = random.integers(4, VOCAB, size=(2 * beam_size, LENGTH), dtype="int32")
    ids[:, 0] = 2
    return ids


def teacher_forced(model, target_ids):
    source = np.repeat(SOURCE, len(target_ids) // 2, axis=0)
    return numbers(model({"source_ids": source, "target_ids": target_ids}))


def stepped(model, target_ids, step=None):
    encoded = model.encode(ops.convert_to_tensor(SOURCE))
    state = model.start(encoded, LENGTH, len(target_ids) // 2)
    logits = []
    for token_ids in target_ids.T:
        answer, state = (step or model.step)(ops.convert_to_tensor(token_ids), state)
        logits.append(numbers(answer))
    return np.stack(logits, axis=1)


@pytest.mark.moderate
@THREE_KINDS
def test_steps_equal_teacher_forcing(cell, score):
    model, target_ids = shared_model(cell, score), prefixes(3)
    expected = teacher_forced(model, target_ids)
    np.testing.assert_allclose(stepped(model, target_ids), expected, atol=1e-5)
    assert np.abs(expected[0] - expected[-1]).max() > 0.01


@pytest.mark.long
@TWO_KINDS
def test_steps_in_a_graph_equal_teacher_forcing(cell, score):
    model, target_ids = shared_model(cell, score), prefixes(1)
    logits = stepped(model, target_ids, step=in_graph(model.step))
    np.testing.assert_allclose(logits, teacher_forced(model, target_ids), atol=1e-5)


@pytest.mark.moderate
@TWO_KINDS
def test_after_a_reorder_each_hypothesis_has_its_new_history(cell, score):
    model = shared_model(cell, score)
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
    np.testing.assert_allclose(np.stack(logits, axis=1), expected, atol=1e-5)


@TWO_KINDS
def test_state_keeps_sentence_and_hypothesis_apart(cell, score):
    model = shared_model(cell, score)
    state = model.start(model.encode(ops.convert_to_tensor(SOURCE)), 9, 3)
    assert set(state) == {"position", "sentence", "hypothesis", "projection"}
    sizes = {
        part: {x.shape[0] for x in keras.tree.flatten(state[part])}
        for part in ("sentence", "hypothesis")
    }
    assert sizes == {"sentence": {2}, "hypothesis": {6}}
    _, after = model.step(ops.full([6], 2), state)
    assert int(after["position"]) == 1
    keras.tree.assert_same_structure(after, state)


def padded(ids, length):
    return np.pad(ids, [(0, 0), (0, length - ids.shape[1])])


@pytest.mark.moderate
@TWO_KINDS
def test_padding_and_other_rows_do_not_change_an_answer(cell, score):
    model = shared_model(cell, score)
    call = in_graph(lambda inputs: model(inputs))

    def logits(source, target):
        return numbers(call({"source_ids": source, "target_ids": target}))

    source, target = SOURCE[1:, :4], TARGET[1:, :3]
    alone = logits(source, target)
    for source_length, target_length in ((4, 5), (19, 19)):
        answer = logits(padded(source, source_length), padded(target, target_length))
        np.testing.assert_allclose(answer[:, :3], alone, atol=1e-6)
    for mate in (SOURCE[:1], np.zeros((1, 7))):
        sources = np.concatenate([mate.astype("int32"), SOURCE[1:]])
        answers = logits(sources, TARGET)
        assert np.all(np.isfinite(answers))
        np.testing.assert_allclose(answers[1:, :3], alone, atol=1e-6)


@pytest.mark.moderate
@TWO_KINDS
def test_future_tokens_do_not_change_the_past(cell, score):
    model = shared_model(cell, score)
    target_ids = np.array([[7, 12, 19, 21, 5]])
    inputs = {"source_ids": SOURCE[:1], "target_ids": target_ids}
    before = numbers(model(inputs))
    for position in (0, 1, 4):
        changed = target_ids.copy()
        changed[:, position:] = 26 - changed[:, position:]  # other real tokens
        after = numbers(model({**inputs, "target_ids": changed}))
        np.testing.assert_array_equal(after[:, :position], before[:, :position])
        assert np.abs(after - before).max(axis=(0, 2))[position:].min() > 1e-4


def test_both_sides_longer_than_the_model_are_errors_that_name_the_limit():
    for side in INPUTS:
        too_long = {**INPUTS, side: np.ones((2, MAX_LENGTH + 1), "int32")}
        with pytest.raises(ValueError, match="max_length=19 tokens.*length=20"):
            shared_model()(too_long)


@pytest.mark.long
@pytest.mark.parametrize(
    ("cell", "score", "policy"),
    [("gru", "additive", "mixed_bfloat16"), ("lstm", "general", "mixed_float16")],
)
def test_low_precision_follows_float32(cell, score, policy):
    model, exact = make_model(cell, score, dtype=policy), shared_model(cell, score)
    source = np.concatenate([SOURCE, np.zeros((1, 7), "int32")])
    target = np.concatenate([TARGET, np.zeros((1, 5), "int32")])
    inputs = {"source_ids": source, "target_ids": target}
    logits, expected = model(inputs), numbers(exact(inputs))
    assert dtype_of(logits) == "float32"
    unit = {"mixed_bfloat16": 2.0**-8, "mixed_float16": 2.0**-11}[policy]
    assert np.abs(logits - expected).max() < 20 * unit * np.abs(expected).max()
    steps = stepped(model, prefixes(3))
    expected = stepped(exact, prefixes(3))
    assert np.abs(steps - expected).max() < 20 * unit * np.abs(expected).max()


@pytest.mark.long
@TWO_KINDS
def test_config_and_file_come_back(cell, score, tmp_path):
    model = make_model(cell, score, dropout_rate=0.2, target_vocab_size=TARGET_VOCAB)
    config = model.get_config()
    assert json.loads(json.dumps(config)) == config
    copy = RecurrentSeq2Seq.from_config(config)
    assert copy.get_config() == config
    assert copy.arguments() == model.arguments()
    assert [w.path for w in copy.weights] == [w.path for w in model.weights]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(INPUTS), model(INPUTS))
    model.save_weights(tmp_path / "model.weights.h5")
    copy.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(copy(INPUTS), model(INPUTS))


@pytest.mark.long
def test_one_update_moves_every_weight():
    model = make_model("lstm", "concat", target_vocab_size=TARGET_VOCAB)
    before = [weight.numpy() for weight in model.weights]
    model.compile(keras.optimizers.SGD(1.0), MaskedCrossEntropy())
    labels = np.where(TARGET == 0, 0, 5)
    model.fit(INPUTS, labels, sample_weight=(labels != 0) / 8, batch_size=2, verbose=0)
    for weight, old in zip(model.weights, before, strict=True):
        assert np.abs(weight.numpy() - old).max() > 1e-7, weight.path


@pytest.mark.long
@pytest.mark.parametrize("name", ["tiny", "small"])
def test_presets_have_about_the_weights_of_the_transformer(name):
    recurrent = RecurrentSeq2Seq.from_preset(name, vocab_size=3000)
    transformer = Transformer.from_preset(name, vocab_size=3000)
    ratio = recurrent.count_params() / transformer.count_params()
    assert 0.8 < ratio < 1.25
