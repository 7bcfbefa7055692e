"""A translator notices that its model has changed."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.inference.small_translator import (
    MAX_LENGTH,
    PAIRS,
    TEXTS,
    random_model,
)
from tf_transformer.inference.search import score_ids
from tf_transformer.inference.translator import Translator, padded

SOURCES, TARGETS = zip(*PAIRS, strict=True)
GREEDY = {"beam_size": 1, "max_length": 7}


def quantize(model):
    model.quantize("int8")


def add_lora(model):
    dense = model.decoder.blocks[0].feed_forward.outer_dense
    dense.enable_lora(rank=2)
    dense.lora_kernel_b.assign(np.random.default_rng(8).normal(size=(2, 12)))


def compute_in_low_precision(model):
    policy = keras.DTypePolicy("mixed_bfloat16")
    model.decoder.blocks[0].feed_forward.inner_dense.dtype_policy = policy


def load_weights(model):
    noise = np.random.default_rng(9)
    model.set_weights(
        [weight + noise.normal(size=weight.shape) for weight in model.get_weights()]
    )


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.parametrize(
    "change", [quantize, add_lora, compute_in_low_precision, load_weights]
)
def test_a_changed_model_gives_its_new_scores(tokenizer, change):
    model = random_model(tokenizer)
    translator = Translator(model, tokenizer)
    before = translator.score(SOURCES, TARGETS)
    change(model)
    source_ids, labels = (
        padded(encode(texts), MAX_LENGTH)
        for encode, texts in (
            (tokenizer.encode_source, SOURCES),
            (tokenizer.encode_target, TARGETS),
        )
    )
    expected = ops.convert_to_numpy(score_ids(model, source_ids, labels))
    found = translator.score(SOURCES, TARGETS)
    assert np.abs(found - expected).max() < 0.1 * np.abs(before - expected).max()


@pytest.mark.long
def test_a_changed_model_gives_its_new_translations(tokenizer):
    model = random_model(tokenizer)
    translator = Translator(model, tokenizer)
    before = translator.nbest(TEXTS, **GREEDY)
    add_lora(model)
    found = translator.nbest(TEXTS, **GREEDY)
    assert found == Translator(model, tokenizer).nbest(TEXTS, **GREEDY) != before


@pytest.mark.moderate
def test_an_unchanged_model_keeps_its_programs(tokenizer):
    translator = Translator(random_model(tokenizer), tokenizer)
    translator.nbest(TEXTS[:1], **GREEDY)
    programs = dict(translator._search_models)
    # neither new metrics nor an optimizer make another model
    translator.model.compile("sgd", loss="mse", metrics=["accuracy"])
    translator.nbest(TEXTS[:1], **GREEDY)
    assert translator._search_models == programs != {}
