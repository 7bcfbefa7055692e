"""Turning off a head removes only its part of the output."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from tests.analysis.small_maps import (
    D_MODEL,
    NUM_HEADS,
    NUM_LAYERS,
    PAIRS,
    TEXTS,
    TRANSLATIONS,
    small_translator,
)
from tf_transformer.analysis import ablation
from tf_transformer.analysis.ablation import (
    attention_layer,
    head_off,
    nll,
    nll_without_each_head,
)
from tf_transformer.inference.translator import Translator
from tf_transformer.layers import SSRUDecoder
from tf_transformer.models import RecurrentSeq2Seq, Transformer

D_K = D_MODEL // NUM_HEADS


@pytest.mark.parametrize("head", range(1, NUM_HEADS + 1))
def test_turning_a_head_off_removes_its_part_of_the_output(head):
    layer = attention_layer(small_translator().model, "cross", layer=2)
    random = np.random.default_rng(8)
    query, value = random.normal(size=(2, 5, D_MODEL)), random.normal(size=(2, 7, 12))
    whole, weights = map(np.asarray, layer(query, value, return_attention_scores=True))
    with head_off(small_translator().model, "cross", 2, head):
        without = np.asarray(layer(query, value))
    kernel = np.asarray(layer.value_dense.kernel)[:, (head - 1) * D_K : head * D_K]
    bias = np.asarray(layer.value_dense.bias)[(head - 1) * D_K : head * D_K]
    rows = np.asarray(layer.output_dense.kernel)[(head - 1) * D_K : head * D_K]
    part = weights[:, head - 1] @ (value @ kernel + bias) @ rows
    assert np.abs(part).max() > 0.1
    np.testing.assert_allclose(without, whole - part, atol=1e-5)


@pytest.mark.parametrize("kind", ["encoder", "decoder", "cross"])
def test_weights_come_back_exactly_even_after_an_error(kind):
    model = small_translator().model
    before = [np.array(weight) for weight in model.weights]
    with pytest.raises(RuntimeError), head_off(model, kind, layer=1, head=2):
        changed = [
            weight.path
            for weight, kept in zip(model.weights, before, strict=True)
            if not np.array_equal(weight, kept)
        ]
        raise RuntimeError
    assert len(changed) == 1
    assert changed[0].endswith("output/kernel")
    for weight, kept in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def slow_nll(translator):
    """One pair after the other, from the logits."""
    total = num_tokens = 0
    for source, target in PAIRS:
        labels = translator.tokenizer.encode_target([target])[0]
        inputs = {
            "source_ids": np.array(translator.tokenizer.encode_source([source])),
            "target_ids": np.array([[2, *labels[:-1]]]),
        }
        logits = np.asarray(translator.model(inputs), "float64")[0]
        log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        total -= log_probs[range(len(labels)), labels].sum()
        num_tokens += len(labels)
    return total / num_tokens


@pytest.mark.slow
def test_cost_of_each_head_is_the_nll_of_the_model_without_it():
    translator = small_translator()
    assert nll(translator, PAIRS) == pytest.approx(slow_nll(translator), rel=1e-4)
    with pytest.raises(ValueError, match=r"Expected \(source, target\)"):
        nll(translator, [{"source": "a", "target": "b"}])
    assert nll(translator, zip(TEXTS, TRANSLATIONS, strict=True)) == nll(
        translator, PAIRS
    )
    costs = nll_without_each_head(translator, iter(PAIRS))
    assert costs.keys() == {"encoder", "decoder", "cross"}
    for kind in costs:
        assert costs[kind].shape == (NUM_LAYERS, NUM_HEADS)
        assert len(np.unique(costs[kind])) == NUM_LAYERS * NUM_HEADS
    with head_off(translator.model, "decoder", layer=2, head=3):
        assert costs["decoder"][1, 2] == pytest.approx(slow_nll(translator), rel=1e-4)


def test_heads_that_do_not_exist_are_refused():
    model = small_translator().model
    for arguments in [("cross", 3, 1), ("self", 1, 1), ("encoder", 0, 1)]:
        with (
            pytest.raises(ValueError, match="layer 1 to 2"),
            head_off(model, *arguments),
        ):
            pass
    with (
        pytest.raises(ValueError, match="Expected 1 to 3. Received: head=4"),
        head_off(model, "cross", 1, 4),
    ):
        pass
    with (
        pytest.raises(ValueError, match="of a Transformer. Received: Sequential"),
        head_off(keras.Sequential([]), "cross", 1, 1),
    ):
        pass


def test_a_model_without_heads_is_refused():
    tokenizer = small_translator().tokenizer
    model = RecurrentSeq2Seq(tokenizer.vocab_size, d_model=10)
    message = "of a Transformer. Received: RecurrentSeq2Seq"
    with pytest.raises(ValueError, match=message), head_off(model, "cross", 1, 1):
        pass
    with pytest.raises(ValueError, match=message):
        nll_without_each_head(Translator(model, tokenizer), PAIRS)


def test_a_decoder_without_self_attention_has_other_heads_only(monkeypatch):
    tokenizer = small_translator().tokenizer
    model = Transformer(
        tokenizer.vocab_size,
        num_encoder_layers=1,
        num_decoder_layers=2,
        d_model=6,
        num_heads=3,
        d_ff=7,
        decoder=SSRUDecoder,
    )
    message = "no self-attention. Expected encoder or cross.*'decoder' with SSRUDecoder"
    with pytest.raises(ValueError, match=message), head_off(model, "decoder", 1, 1):
        pass
    monkeypatch.setattr(ablation, "nll", lambda translator, pairs: len(pairs))
    costs = nll_without_each_head(Translator(model, tokenizer), PAIRS)
    shapes = {kind: numbers.shape for kind, numbers in costs.items()}
    assert shapes == {"encoder": (1, 3), "cross": (2, 3)}
    assert all((numbers == len(PAIRS)).all() for numbers in costs.values())


def with_attention(attention):
    """What `head_off` reads of a model."""
    block = SimpleNamespace(self_attention=attention)
    return SimpleNamespace(encoder=SimpleNamespace(blocks=[block]))


def adapt(dense, how):
    if "int8" in how:
        dense.quantize("int8")
    if "lora" in how:
        dense.enable_lora(2)
        change = np.random.default_rng(9).normal(size=dense.lora_kernel_b.shape)
        dense.lora_kernel_b.assign(change)


@pytest.mark.parametrize("how", ["lora", "int8", "int8 and lora"])
def test_a_head_of_adapted_or_quantized_weights_is_turned_off(how):
    """Of the rows of three heads, the second's have no effect, the others all."""
    dense = keras.layers.Dense(7)
    dense.build((None, 12))
    adapt(dense, how)
    model = with_attention(SimpleNamespace(num_heads=3, output_dense=dense))
    before = [np.array(weight) for weight in dense.weights]
    inputs = np.random.default_rng(10).normal(size=(5, 12)).astype("float32")
    of_head, of_others = inputs.copy(), inputs.copy()
    of_head[:, :4] = of_head[:, 8:] = of_others[:, 4:8] = 0
    alone, others = (np.asarray(dense(rows)) for rows in (of_head, of_others))
    assert np.abs(alone).max() > 0.1
    with head_off(model, "encoder", layer=1, head=2):
        np.testing.assert_array_equal(np.asarray(dense(of_head)), 0)
        np.testing.assert_array_equal(np.asarray(dense(of_others)), others)
    for weight, kept in zip(dense.weights, before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_an_attention_layer_without_rows_of_heads_is_refused():
    packed = keras.layers.Dense(7)
    packed.build((None, 12))
    packed.quantize("int4")
    for attention, received in [
        (keras.layers.Identity(), "Identity with output_dense=None"),
        (SimpleNamespace(output_dense=keras.layers.Dense(7)), "SimpleNamespace"),
        (SimpleNamespace(num_heads=3, output_dense=packed), "quantization int4"),
    ]:
        message = f"in num_heads, and W\\^O in output_dense.*Received: .*{received}"
        with (
            pytest.raises(ValueError, match=message),
            head_off(with_attention(attention), "encoder", 1, 1),
        ):
            pass


def test_scoring_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one pair. Received: none"):
        nll(small_translator(), [])
    with pytest.raises(ValueError, match="at least one pair. Received: none"):
        nll_without_each_head(small_translator(), iter([]))
