"""A resumed run trains no longer than the whole run would have."""

from types import SimpleNamespace

import pytest

from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.fitting import Fitting
from tf_transformer.training.callbacks import KeepBest
from tf_transformer.training.updates import Plan


class TrainingBegins(Exception):
    """`fit` was about to train."""


@pytest.mark.parametrize(("patience", "is_over"), [(2, True), (3, False)])
def test_a_resumed_run_has_the_patience_that_is_left(tmp_path, patience, is_over):
    def begin(*_, **__):
        raise TrainingBegins

    counter = SimpleNamespace(plan=Plan(1, 9), updates=4)
    best = KeepBest(tmp_path / "best.weights.h5", "val_nll", patience)
    run = SimpleNamespace(average=lambda: None, begin=begin, path=tmp_path)
    translator = SimpleNamespace(model=None, tokenizer=None)
    parts = {"data": counter, "best": best}
    fitting = Fitting(TrainingConfig(), run, translator, None, {}, None, parts)
    state = {"epoch": 4, "best": {"best": 1.0, "best_epoch": 1}}
    if is_over:
        fitting.fit(None, None, tmp_path, state)
    else:
        with pytest.raises(TrainingBegins):
            fitting.fit(None, None, tmp_path, state)
