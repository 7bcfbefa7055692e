"""The models of several runs as one translator.

Run: pytest tests/runs/test_ensemble.py
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.inference.small_translator import PAIRS, TEXTS, assert_same, random_model
from tf_transformer.data import Tokenizer
from tf_transformer.inference.translator import Translator
from tf_transformer.runs import ensemble_translator


@dataclasses.dataclass
class Run:
    """A run without files."""

    path: Path
    tokenizer: Tokenizer
    seed: int

    def translator(self, batch_size, dtype):
        assert dtype is None
        return Translator(
            random_model(self.tokenizer, self.seed), self.tokenizer, batch_size
        )


def make_tokenizer(pairs):
    return Tokenizer.train(pairs, vocab_size=310)


def test_translations_have_the_mean_probabilities():
    tokenizer = make_tokenizer(PAIRS)
    runs = [Run(Path(f"runs/{seed}"), tokenizer, seed) for seed in (5, 7)]
    translator = ensemble_translator(runs, batch_size=4)
    assert translator.batch_size == 4
    text, translation = PAIRS[1]
    each = [run.translator(4, None).score_tokens([text], [translation]) for run in runs]
    rows = [[token.log_prob for token in tokens] for [tokens] in each]
    [tokens] = translator.score_tokens([text], [translation])
    found = [token.log_prob for token in tokens]
    expected = np.log(np.exp(rows).mean(axis=0))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_one_run_is_no_ensemble():
    run = Run(Path("runs/one"), make_tokenizer(PAIRS), 5)
    found = ensemble_translator([run]).nbest(TEXTS[:2], beam_size=1)
    assert_same(found, run.translator(32, None).nbest(TEXTS[:2], beam_size=1))


def test_other_tokenizers_are_refused():
    runs = [
        Run(Path("runs/one"), make_tokenizer(PAIRS), 5),
        Run(Path("runs/two"), make_tokenizer(PAIRS[:3]), 5),
    ]
    with pytest.raises(ValueError, match="Expected that of runs/one. Received: runs/t"):
        ensemble_translator(runs)
