"""Traps of docs/correctness.md that the tests of no single package cover."""

import keras
import numpy as np
import pytest
from keras import ops

from tf_transformer.data.corpus import Corpus
from tf_transformer.decoding.constraints import TokenRules
from tf_transformer.layers import MultiHeadAttention
from tf_transformer.runs import data as data_module
from tf_transformer.runs import training as train_module
from tf_transformer.runs.config import TrainingConfig


@pytest.mark.parametrize("batch_size", [2, None])
def test_symbolic_cross_attention_weights_have_the_shape_of_real_ones(batch_size):
    layer = MultiHeadAttention(d_model=12, num_heads=3)
    query, value = np.ones((2, 5, 12), "float32"), np.ones((2, 7, 12), "float32")
    _, weights = layer(query, value, return_attention_scores=True)
    symbols = [keras.KerasTensor((batch_size, *x.shape[1:])) for x in (query, value)]
    _, symbolic = layer(*symbols, return_attention_scores=True)
    assert tuple(weights.shape) == (2, 3, 5, 7)
    assert symbolic.shape == (batch_size, 3, 5, 7)


def test_improbable_tokens_keep_a_score_that_can_be_compared():
    # exp(-400) is 0 in float32: ln of a softmax would be -inf for both tokens
    logits = np.zeros((1, 1, 6), "float32")
    logits[..., 4], logits[..., 5] = 400.0, 100.0
    rules = TokenRules(ops.array([9]))
    tokens, _ = rules.distributions(logits, None, ops.array(0))
    found = tokens.log_probs(ops.array([[[1, 3, 5]]]))
    assert ops.convert_to_numpy(found).tolist() == [[[-400, -400, -300]]]


def test_vocabulary_is_learnt_from_the_training_pairs_alone(monkeypatch, tmp_path):
    splits = {
        split: [(f"{split} {i}", f"{split.upper()} {i}") for i in range(3)]
        for split in ("train", "validation", "test")
    }
    seen = []

    class Tokenizer:
        @staticmethod
        def train(pairs, *sizes, **options):
            seen.extend(pairs)
            raise KeyboardInterrupt

    monkeypatch.setattr(train_module, "load_corpus", lambda config: Corpus(splits))
    monkeypatch.setattr(data_module, "Tokenizer", Tokenizer)
    with pytest.raises(KeyboardInterrupt):
        train_module.train(TrainingConfig(), tmp_path / "run")
    assert seen == splits["train"]
