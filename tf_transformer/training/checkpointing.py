"""Callbacks that write checkpoints and remove old ones."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from tf_transformer.training.checkpoints import (
    checkpoint_files,
    checkpoint_name,
    epoch_of,
    save_checkpoint,
)
from tf_transformer.training.divergence import check_weights
from tf_transformer.training.termination import Termination, TrainingTerminated
from tf_transformer.training.updates import UpdateCounter
from tf_transformer.utils.interval import parse_interval
from tf_transformer.utils.processes import any_process, is_first_process


class SaveCheckpoint(keras.callbacks.Callback):
    """Writes a checkpoint after each epoch and removes the oldest ones.

    Put it last, so that a checkpoint contains the results of the other callbacks.

    Args:
        folder: Folder of the checkpoints `epoch-0001.npz` and so on.
        parts: Dictionary of objects, such as the run's `KeepBest`, whose `state()` is
            saved too. A state must be JSON serializable.
        num_kept: Number of checkpoints at ends of epochs to keep. Defaults to 2. The
            latest two checkpoints are always kept.
    """

    def __init__(self, folder: Path, parts: dict[str, Any], num_kept: int = 2):
        super().__init__()
        self.folder = Path(folder)
        self.parts = parts
        self.num_kept = num_kept

    def on_epoch_end(self, epoch, logs=None):
        self.save(epoch + 1)

    def save(self, finished: int, update: int | None = None) -> Path:
        """Writes a checkpoint.

        Args:
            finished: Number of finished epochs.
            update: Optional number of updates, for a checkpoint within an epoch.

        Returns:
            The file.
        """
        if not is_first_process():
            return self.folder / checkpoint_name(finished, update)
        states = {name: part.state() for name, part in self.parts.items()}
        path = self.folder / checkpoint_name(finished, update)
        save_checkpoint(path, self.model, {"epoch": finished, **states})
        files = checkpoint_files(self.folder)
        ends = [file for file in files if epoch_of(file) is not None]
        for file in set(files) - {*files[-2:], *ends[-self.num_kept :]}:
            file.unlink()
        return path


class SaveWithinEpochs(SaveCheckpoint):
    """Writes checkpoints within epochs too, and a final one after SIGTERM.

    If one of several processes receives SIGTERM, all of them end.

    Args:
        folder: Folder of the checkpoints.
        parts: As for `SaveCheckpoint`.
        num_kept: As for `SaveCheckpoint`. Defaults to 2.
        counter: The `UpdateCounter`, called before this callback.
        every: Interval in updates or minutes, such as `500` or `"10m"`.
        termination: Set by SIGTERM.
        on_saved: Function without arguments, called after each checkpoint.

    Raises:
        TrainingDiverged: If a weight is not finite. Nothing is written.
        TrainingTerminated: After the checkpoint that follows SIGTERM.
    """

    def __init__(
        self,
        folder: Path,
        parts: dict[str, Any],
        num_kept: int = 2,
        *,
        counter: UpdateCounter,
        every: int | str,
        termination: Termination,
        on_saved: Callable[[], None],
    ):
        super().__init__(folder, parts, num_kept)
        self.counter = counter
        self.termination = termination
        self.on_saved = on_saved
        self._updates, self._seconds = parse_interval(every)
        self._saved_at = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self._finished = epoch

    def on_train_batch_end(self, batch, logs=None):
        # `on_epoch_end` saves the end of an epoch, after its scores
        if not self.counter.is_between or self.counter.is_epoch_end:
            return
        must_end = any_process(self.termination.is_requested)
        if must_end or self._is_due():
            check_weights(self.model)  # the loss was computed before this update
            path = self.save(self._finished, self.counter.updates)
            self._end_if(must_end, path)

    def _is_due(self) -> bool:
        if self._updates is not None:
            return self.counter.updates % self._updates == 0
        elapsed = time.monotonic() - self._saved_at
        return self._seconds is not None and elapsed >= self._seconds

    def on_epoch_end(self, epoch, logs=None):
        path = self.save(epoch + 1)
        is_last = self.counter.updates == self.counter.plan.total
        if not (is_last or self.model.stop_training):
            self._end_if(any_process(self.termination.is_requested), path)

    def save(self, finished, update=None):
        path = super().save(finished, update)
        if is_first_process():
            self.on_saved()
        self._saved_at = time.monotonic()
        return path

    def _end_if(self, must_end, path):
        if must_end:
            raise TrainingTerminated(
                f"Stopped by SIGTERM after update {self.counter.updates:,}; "
                f"{path} is complete."
            )
