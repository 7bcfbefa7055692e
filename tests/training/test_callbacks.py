"""The best epoch is kept, and training stops when nothing gets better."""

import math

import pytest

from tf_transformer.training.callbacks import KeepBest, TranslationQuality


class FakeModel:
    """Writes down when its weights are saved."""

    def __init__(self):
        self.stop_training = False
        self.saved = 0

    def save_weights(self, path):
        self.saved += 1
        path.write_text(str(self.saved))


def run_epochs(keep_best, values, first=0):
    """Feeds one value per epoch until training stops; returns the epochs run."""
    model = FakeModel()
    keep_best.set_model(model)
    for epoch, value in enumerate(values, start=first):
        keep_best.on_epoch_end(epoch, {keep_best.monitor: value})
        if model.stop_training:
            return epoch + 1
    return first + len(values)


def test_highest_bleu_is_best_and_patience_ends_the_run(tmp_path):
    path = tmp_path / "best.weights.h5"
    keep_best = KeepBest(path, "bleu", patience=2)
    assert run_epochs(keep_best, [3.0, 9.0, 8.0, 8.5, 99.0]) == 4
    assert keep_best.state() == {"best": 9.0, "best_epoch": 1}
    assert path.read_text() == "2"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_lowest_nll_is_best(tmp_path):
    keep_best = KeepBest(tmp_path / "best.weights.h5", "val_nll", patience=None)
    assert run_epochs(keep_best, [3.0, 1.0, 2.0, 1.5]) == 4
    assert keep_best.state() == {"best": 1.0, "best_epoch": 1}


def test_patience_counts_on_after_a_restart(tmp_path):
    whole = KeepBest(tmp_path / "a.weights.h5", "bleu", patience=3)
    values = [5.0, 4.0, 3.0, 2.0, 1.0]
    stopped_after = run_epochs(whole, values)
    first = KeepBest(tmp_path / "b.weights.h5", "bleu", patience=3)
    run_epochs(first, values[:2])
    second = KeepBest(tmp_path / "b.weights.h5", "bleu", patience=3)
    second.restore(first.state())
    assert run_epochs(second, values[2:], first=2) == stopped_after == 4
    assert second.state() == whole.state()
    assert second.exhausted(3)
    assert not second.exhausted(2)


def test_any_number_is_better_than_nan(tmp_path):
    keep_best = KeepBest(tmp_path / "best.weights.h5", "val_nll", patience=9)
    run_epochs(keep_best, [math.nan, 7.0, 8.0])
    assert keep_best.state() == {"best": 7.0, "best_epoch": 1}


def test_missing_figure_is_named(tmp_path):
    keep_best = KeepBest(tmp_path / "best.weights.h5", "bleu")
    with pytest.raises(ValueError, match="no 'bleu'.*Expected one of .*loss"):
        keep_best.on_epoch_end(0, {"loss": 1.0})


def test_scores_reach_the_callbacks_that_follow(capsys):
    pairs = [("a b c d e", "A B C D E"), ("f g h i", "F G H I")]
    callback = TranslationQuality(lambda texts: [t.upper() for t in texts], pairs)
    logs = {"loss": 1.0}
    callback.on_epoch_end(0, logs)
    assert logs == {"loss": 1.0, "bleu": 100.0, "chrf": 100.0}
    assert callback.signatures["bleu"].startswith("nrefs:1|")
    assert callback.samples[1] == ("f g h i", "F G H I", "F G H I")
    assert "F G H I" in capsys.readouterr().out
