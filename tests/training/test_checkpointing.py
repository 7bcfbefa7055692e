"""Checkpoints within epochs: when they are written, and when training then ends."""

from types import SimpleNamespace

import pytest

from tests.training.test_divergence import FirstOfTwoUpdates
from tf_transformer.training import checkpointing
from tf_transformer.training.checkpointing import SaveCheckpoint, SaveWithinEpochs
from tf_transformer.training.termination import Termination, TrainingTerminated
from tf_transformer.training.updates import Plan


def make_callback(folder, counter, every, termination):
    return SaveWithinEpochs(
        *(folder, {}),
        counter=counter,
        every=every,
        termination=termination,
        on_saved=lambda: None,
    )


def test_minutes_count_from_the_last_checkpoint(tmp_path, monkeypatch):
    now, saved = [0.0], []
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(checkpointing, "time", clock)
    monkeypatch.setattr(checkpointing, "check_weights", lambda model: None)
    monkeypatch.setattr(SaveCheckpoint, "save", lambda *_: saved.append(now[0]))
    save = make_callback(tmp_path, FirstOfTwoUpdates(), "2m", Termination())
    save.on_epoch_begin(0)
    for now[0] in (60.0, 119.0, 121.0, 180.0, 240.0, 241.0):
        save.on_train_batch_end(0)
    assert saved == [121.0, 241.0]


@pytest.mark.parametrize(
    ("updates", "stops", "is_terminated"),
    [(3, False, True), (9, False, False), (3, True, False)],
)
def test_a_training_that_ends_anyway_is_complete(
    tmp_path, monkeypatch, updates, stops, is_terminated
):
    monkeypatch.setattr(SaveCheckpoint, "save", lambda *_: "a file")
    termination = Termination()
    termination.is_requested = True
    counter = SimpleNamespace(updates=updates, plan=Plan(3, 9))
    save = make_callback(tmp_path, counter, 500, termination)
    save.set_model(SimpleNamespace(stop_training=stops))
    if is_terminated:
        with pytest.raises(TrainingTerminated, match="after update 3; a file"):
            save.on_epoch_end(0)
    else:
        save.on_epoch_end(0)
