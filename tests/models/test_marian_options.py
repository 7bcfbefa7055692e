"""Options that other implementations' models need; the defaults are the paper's."""

import keras
import numpy as np
import pytest
from keras import ops

import tf_transformer as tt
from tests.backend import variable_gradients
from tests.further import further
from tests.models.small_model import INPUTS, SOURCE, TARGET, make_model, numbers
from tests.models.test_stepping import prefixes, stepped, teacher_forced
from tf_transformer.analysis import ablation
from tf_transformer.inference.search import score_ids, search
from tf_transformer.inference.settings import SearchSettings
from tf_transformer.layers import SSRUDecoder, sinusoidal_positions

MARIAN = {
    "num_encoder_layers": 3,
    "num_decoder_layers": 1,
    "decoder": SSRUDecoder,
    "positions": "marian",
    "output_bias": True,
    "norm_epsilon": 1e-5,
    "start_id": None,
    "activation": "silu",
}
VARIANTS = {
    "marian": MARIAN,
    "pre-norm": {**MARIAN, "normalize_first": True},
    "hugging face": {
        **MARIAN,
        **{"decoder": tt.layers.Decoder, "positions": "halves", "start_id": 0},
        "target_vocab_size": 29,
    },
}
EVERY = pytest.mark.parametrize("name", VARIANTS)


@pytest.mark.moderate
@EVERY
@pytest.mark.parametrize("beam_size", [*further(1), 3])
def test_steps_equal_teacher_forcing(name, beam_size):
    model = make_model(**VARIANTS[name])
    target_ids = prefixes(beam_size)
    expected = teacher_forced(model, target_ids)
    np.testing.assert_allclose(stepped(model, target_ids), expected, atol=3e-5)
    assert np.abs(expected[0] - expected[-1]).max() > 0.01


@pytest.mark.moderate
def test_state_is_reordered_with_the_hypotheses():
    model = make_model(**MARIAN)
    encoded = model.encode(ops.convert_to_tensor(SOURCE))
    state = model.start(encoded, 6, 3)
    for token_ids in prefixes(3)[:, :3].T:
        _, state = model.step(ops.convert_to_tensor(token_ids), state)
    survivors = np.array([2, 0, 0, 5, 5, 3])
    state["hypothesis"] = keras.tree.map_structure(
        lambda x: ops.take(x, survivors, axis=0), state["hypothesis"]
    )
    assert [x.shape for x in keras.tree.flatten(state["hypothesis"])] == [(6, 12)]
    last = np.array([7, 8, 9, 10, 11, 12], "int32")
    found, _ = model.step(ops.convert_to_tensor(last), state)
    histories = np.concatenate([prefixes(3)[survivors, :3], last[:, None]], axis=1)
    expected = teacher_forced(model, histories)[:, -1]
    np.testing.assert_allclose(numbers(found), expected, atol=3e-5)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("pre-norm", {"beam_size": 1}),
        ("marian", {"beam_size": 3}),
        ("hugging face", {"beam_size": 3}),
        ("marian", {"sample": True, "seed": 4}),
    ],
    ids=["greedy", "beam", "beam of two vocabularies", "sample"],
)
def test_score_of_a_generated_sentence_is_that_of_the_search(name, settings):
    model = make_model(**VARIANTS[name])
    found = search(model, ops.convert_to_tensor(SOURCE), SearchSettings(**settings))
    labels = found["token_ids"][:, 0]
    expected = numbers(score_ids(model, ops.convert_to_tensor(SOURCE), labels))
    np.testing.assert_allclose(
        numbers(found["log_probs"])[:, 0], expected, rtol=1e-5, atol=1e-4
    )


def test_attention_that_a_model_lacks_is_left_out():
    model = make_model(**MARIAN)
    weights = model.attend(INPUTS)
    shapes = {kind: tuple(x.shape) for kind, x in weights.items()}
    assert shapes == {"encoder": (2, 3, 3, 7, 7), "cross": (2, 1, 3, 5, 7)}
    with pytest.raises(ValueError, match="has no self-attention.*SSRUDecoder"):
        ablation.attention_layer(model, "decoder", 1)


def test_attention_of_different_depths():
    model = make_model(num_encoder_layers=3, num_decoder_layers=1)
    shapes = [tuple(x.shape) for x in model.attend(INPUTS).values()]
    assert shapes == [(2, 3, 3, 7, 7), (2, 1, 3, 5, 5), (2, 1, 3, 5, 7)]


@pytest.mark.moderate
@EVERY
def test_file_and_config_keep_every_option(name, tmp_path):
    model = make_model(**VARIANTS[name])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_config() == model.get_config()
    np.testing.assert_array_equal(numbers(again(INPUTS)), numbers(model(INPUTS)))


@pytest.mark.moderate
def test_config_from_before_the_options_gives_the_paper():
    model = make_model()
    config = model.get_config()
    for name in MARIAN:
        if name not in ("decoder", "activation"):
            del config[name]
    old = tt.Transformer.from_config(config)
    assert old.get_config() == model.get_config()
    old.set_weights(model.get_weights())
    np.testing.assert_array_equal(numbers(old(INPUTS)), numbers(model(INPUTS)))


@pytest.mark.long
def test_every_weight_has_a_gradient():
    model = make_model(**{**MARIAN, "start_id": 1})
    variables = model.trainable_variables
    found = variable_gradients(lambda: ops.sum(model(INPUTS) ** 2), variables)
    still = [
        variable.path
        for variable, gradient in zip(variables, found, strict=True)
        if np.abs(gradient).max() < 1e-6 and not variable.path.endswith("key/bias")
    ]
    assert still == []


@pytest.mark.moderate
def test_bias_is_added_to_the_logits():
    model = make_model(output_bias=True)
    bias = numbers(model.target_embedding.output_bias)
    before = numbers(model(INPUTS))
    model.target_embedding.output_bias.assign(np.zeros_like(bias))
    np.testing.assert_allclose(before, numbers(model(INPUTS)) + bias, atol=1e-6)
    assert np.abs(bias).min() > 0


@pytest.mark.long
@pytest.mark.parametrize("start_id", [0, 11, None])
def test_first_input_is_the_chosen_one(start_id):
    model, plain = make_model(start_id=start_id), make_model()
    table = numbers(plain.target_embedding.table).copy()
    # the paper's model with the chosen vector as the begin token's row
    table[2] = 0 if start_id is None else table[start_id]
    plain.target_embedding.table.assign(table)
    states = numbers(plain.decode(TARGET, model.encode(SOURCE)))
    found = numbers(model(INPUTS))
    others = [i for i in range(23) if i != 2]  # row 2 is the output's, too
    np.testing.assert_allclose(found[..., others], states[..., others], atol=1e-5)


@pytest.mark.parametrize(
    ("positions", "layout"), [("alternating", 0), ("halves", 1), ("marian", 2)]
)
def test_positions_equal_their_formula(positions, layout):
    table = sinusoidal_positions(9, 10, positions)
    for pos in range(9):
        for i in range(5):
            exponent = i / 4 if layout == 2 else 2 * i / 10
            angle = pos / 10000**exponent
            places = (2 * i, 2 * i + 1) if layout == 0 else (i, 5 + i)
            np.testing.assert_allclose(
                table[pos, list(places)], [np.sin(angle), np.cos(angle)], atol=1e-12
            )


@pytest.mark.moderate
def test_epsilon_reaches_every_normalization():
    for norm in (tt.layers.LayerNormalization, keras.layers.RMSNormalization):
        model = make_model(norm=norm, norm_epsilon=0.25, normalize_first=True)
        norms = [x for x in model._flatten_layers() if type(x) is norm]
        assert len(norms) == 2 * 2 + 2 * 3 + 2
        assert {x.epsilon for x in norms} == {0.25}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": "rotary"}, "Unknown positions.*alternating.*'rotary'"),
        ({"start_id": 23}, "start_id.*below 23.*Received: 23"),
        ({"start_id": True}, "start_id.*Received: True"),
        ({"num_decoder_layers": 0}, "num_decoder_layers must be.*at least 1"),
        ({"positions": "halves", "learned_positions": True}, "no formula.*'halves'"),
        ({"positions": "marian", "d_model": 2, "num_heads": 1}, "at least 4"),
    ],
)
def test_wrong_value_is_an_error(changes, message):
    with pytest.raises(ValueError, match=message):
        make_model(**changes)
