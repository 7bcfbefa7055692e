"""A resumed training equals an uninterrupted one."""

import numpy as np
import pytest

from tests.training.small_runs import (
    arrays,
    compiled,
    differences,
    fit,
    shuffled,
    to_the_bit,
)
from tf_transformer.training import checkpoints
from tf_transformer.training.checkpoints import restore_checkpoint, save_checkpoint


@pytest.fixture(scope="module")
def uninterrupted():
    model = compiled()
    history = fit(model, shuffled(), 0, 4)
    return arrays(model), history


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The file that a training leaves after 2 of 4 epochs."""
    path = tmp_path_factory.mktemp("checkpoints") / "epoch-0002.npz"
    model, batches = compiled(), shuffled()
    fit(model, batches, 0, 2)
    save_checkpoint(path, model, {"epoch": batches.epoch, "best": 1.25})
    return path


def resumed(path, epoch=None, restore=restore_checkpoint):
    model = compiled(seed=2)
    state = restore(path, model)
    history = fit(model, shuffled(state["epoch"] if epoch is None else epoch), 2, 4)
    return arrays(model), history


@pytest.mark.slow
@to_the_bit
def test_resumed_training_equals_an_uninterrupted_one_bit_for_bit(
    uninterrupted, checkpoint
):
    expected, history = uninterrupted
    found, later_history = resumed(checkpoint)
    assert differences(found, expected) == []
    assert later_history == {name: values[2:] for name, values in history.items()}


@pytest.mark.slow
def test_the_random_state_of_dropout_matters(uninterrupted, checkpoint):
    def restore_without_random_state(path, model):
        kept = {v.path: np.array(v) for v in model.variables if "seed" in v.path}
        assert kept
        state = restore_checkpoint(path, model)
        for variable in model.variables:
            if variable.path in kept:
                variable.assign(kept[variable.path])
        return state

    found, _ = resumed(checkpoint, restore=restore_without_random_state)
    assert len(differences(found, uninterrupted[0])) > 10


@pytest.mark.slow
def test_the_epoch_of_the_batches_matters(uninterrupted, checkpoint):
    found, _ = resumed(checkpoint, epoch=5)
    assert len(differences(found, uninterrupted[0])) > 10
    found, _ = resumed(checkpoint, epoch=0)  # `fit` begins with its first epoch
    assert not differences(found, uninterrupted[0])


@pytest.mark.long
def test_returns_the_saved_state(checkpoint):
    model = compiled(seed=3)
    assert restore_checkpoint(checkpoint, model) == {"epoch": 2, "best": 1.25}
    assert int(model.optimizer.iterations) == 2 * len(shuffled())


@pytest.mark.long
@pytest.mark.parametrize("changes", [{"d_ff": 18}, {"optimizer": "sgd"}])
def test_refuses_another_model_and_does_not_change_it(changes, checkpoint):
    model = compiled(**changes)
    weights = model.get_weights()
    with pytest.raises(ValueError, match="belongs to another model.*Received"):
        restore_checkpoint(checkpoint, model)
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.moderate
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path, model = tmp_path / "epoch-0001.npz", compiled()
    save_checkpoint(path, model, {"epoch": 1})
    before = path.read_bytes()

    def disk_full(file, **arrays):
        with open(file, "wb") as half:
            half.write(b"half a file")
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoints.np, "savez", disk_full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, model, {"epoch": 2})
    assert [file.name for file in tmp_path.iterdir()] == ["epoch-0001.npz"]
    assert path.read_bytes() == before
    monkeypatch.undo()
    assert restore_checkpoint(path, model) == {"epoch": 1}
