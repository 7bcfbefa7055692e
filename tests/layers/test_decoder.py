import numpy as np
import pytest
from keras import ops

from tests import reference
from tests.backend import gradients
from tests.further import further
from tests.layer_contract import assert_layer_contract
from tf_transformer.layers import Decoder, DecoderBlock

BLOCK = {"d_model": 12, "num_heads": 3, "d_ff": 17}
RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(2, 5, 12)).astype("float32")
SOURCE = RANDOM.normal(size=(2, 7, 12)).astype("float32")
SOURCE_IS_REAL = np.array([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0]], bool)
CAUSAL = np.tril(np.ones((1, 5, 5), bool)).repeat(2, axis=0)
NORMS = pytest.mark.parametrize(
    "normalize_first", [False, True], ids=["post-norm", "pre-norm"]
)


def with_random_weights(layer):
    layer.build(X.shape)
    for weight in layer.weights:
        weight.assign(weight + RANDOM.normal(scale=0.3, size=weight.shape))
    return layer


@pytest.fixture(params=[False, True], ids=["post-norm", "pre-norm"])
def decoder(request):
    return with_random_weights(
        Decoder(num_layers=2, **BLOCK, normalize_first=request.param)
    )


@pytest.mark.moderate
@pytest.mark.parametrize(
    ("layer_class", "normalize_first"),
    [
        (DecoderBlock, True),
        pytest.param(Decoder, False, marks=pytest.mark.long),
        pytest.param(Decoder, True, marks=pytest.mark.long),
    ],
)
def test_keeps_the_layer_contract(layer_class, normalize_first):
    arguments = {
        **BLOCK,
        "dropout_rate": 0.3,
        "attention_dropout_rate": 0.35,
        "activation": "gelu",
        "normalize_first": normalize_first,
    }
    num_weights = 26  # two attentions 16, feed-forward 4, three normalizations 6
    if layer_class is Decoder:
        arguments["num_layers"] = 2
        num_weights = 2 * num_weights + 2 * normalize_first
    assert_layer_contract(
        layer_class,
        arguments,
        {
            "inputs": (2, 5, 12),
            "encoder_output": (2, 7, 12),
            "padding_mask": (2, 5),
            "encoder_padding_mask": (2, 7),
            "self_attention_mask": (2, 5, 5),
            "cross_attention_mask": (2, 1, 7),
        },
        (2, 5, 12),
        num_weights,
    )


@NORMS
def test_block_equals_the_paper(normalize_first):
    block = with_random_weights(DecoderBlock(**BLOCK, normalize_first=normalize_first))
    self_mask = RANDOM.random((2, 5, 5)) < 0.6
    cross_mask = RANDOM.random((2, 5, 7)) < 0.6
    output = block(
        X, SOURCE, self_attention_mask=self_mask, cross_attention_mask=cross_mask
    )
    for i in range(2):
        expected = reference.block(
            reference.weights_of(block),
            X[i].astype("float64"),
            self_mask[i] & CAUSAL[i],
            num_heads=3,
            normalize_first=normalize_first,
            source=(SOURCE[i].astype("float64"), cross_mask[i]),
        )
        np.testing.assert_allclose(output[i], expected, rtol=1e-4, atol=2e-5)


def test_stack_equals_the_paper(decoder):
    output = decoder(
        X,
        SOURCE,
        self_attention_mask=CAUSAL,
        cross_attention_mask=SOURCE_IS_REAL[:, None],
    )
    for i in range(2):
        expected = reference.stack(
            reference.weights_of(decoder),
            X[i].astype("float64"),
            CAUSAL[i],
            num_heads=3,
            normalize_first=decoder.final_norm is not None,
            source=(SOURCE[i].astype("float64"), [SOURCE_IS_REAL[i]] * 5),
        )
        np.testing.assert_allclose(output[i], expected, rtol=1e-4, atol=2e-5)


def test_future_vectors_do_not_change_the_past(decoder):
    before = decoder(X, SOURCE)
    changed = X.copy()
    changed[:, 3] = RANDOM.normal(size=(2, 12))  # LayerNorm would remove a constant
    after = decoder(changed, SOURCE)
    moved = np.abs(after - before).max(axis=(0, 2))
    np.testing.assert_allclose(moved[:3], 0.0, atol=1e-6)
    assert np.all(moved[3:] > 1e-3)


def test_every_real_source_position_matters_and_no_padding_does(decoder):
    mask = SOURCE_IS_REAL[:, None]
    (gradient,) = gradients(
        lambda source: ops.sum(decoder(X, source, cross_attention_mask=mask) ** 3),
        SOURCE,
    )
    by_position = np.abs(gradient).max(axis=-1)
    np.testing.assert_array_equal(by_position > 0.0, SOURCE_IS_REAL)


def steps(decoder, inputs, num_hypotheses):
    """Reads (B, K, T, D) position by position; returns all answers in that shape."""
    source, caches = decoder.start(ops.convert_to_tensor(SOURCE), 6, num_hypotheses)
    answers = []
    for position in range(inputs.shape[2]):
        answer, caches = decoder.step(
            ops.convert_to_tensor(inputs[:, :, position]),
            caches,
            source,
            ops.convert_to_tensor(position),
            SOURCE_IS_REAL,
        )
        answers.append(answer)
    return np.stack(answers, axis=2)


@pytest.mark.moderate
@pytest.mark.parametrize("num_hypotheses", [*further(1), 3])
def test_steps_equal_the_whole_sentence_at_once(decoder, num_hypotheses):
    random = np.random.default_rng(9)
    inputs = random.normal(size=(2, num_hypotheses, 5, 12)).astype("float32")
    answers = steps(decoder, inputs, num_hypotheses)
    for hypothesis in range(num_hypotheses):
        whole = decoder(
            inputs[:, hypothesis], SOURCE, encoder_padding_mask=SOURCE_IS_REAL
        )
        np.testing.assert_allclose(answers[:, hypothesis], whole, atol=2e-5)


def test_caches_have_a_fixed_size_and_sources_are_not_repeated(decoder):
    source, caches = decoder.start(ops.convert_to_tensor(SOURCE), 9, 3)
    assert set(source) == set(caches) == {"block_0", "block_1"}
    for name in source:
        assert {value.shape for value in source[name].values()} == {(2, 3, 7, 4)}
        shapes = {name: value.shape for name, value in caches[name].items()}
        shared = dict.fromkeys(("shared_keys", "shared_values"), (2, 3, 9 * 3, 4))
        assert shapes == {**shared, "ancestors": (6, 9)}


def test_mixed_precision_reaches_every_layer_inside():
    decoder = Decoder(
        num_layers=2, **BLOCK, normalize_first=True, dtype="mixed_float16"
    )
    assert {layer.dtype_policy.name for layer in decoder._flatten_layers()} == {
        "mixed_float16"
    }
