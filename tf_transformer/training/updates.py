"""Counting of updates: ends of epochs, position in the data, metrics."""

import math
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from tf_transformer.data.endless import EndlessBatches, Place, Progress


class Plan(NamedTuple):
    """The number of updates of an epoch, and of the whole training.

    Example:

    >>> plan = Plan(per_epoch=100, total=250)
    >>> plan.epoch_end(0), plan.epoch_end(100), plan.epoch_end(201), plan.epochs_left(0)
    (100, 200, 250, 3)
    """

    per_epoch: int
    total: int

    def epoch_end(self, updates: int) -> int:
        """Number of updates at the end of the epoch after `updates` updates."""
        return min(self.total, (updates // self.per_epoch + 1) * self.per_epoch)

    def epochs_left(self, updates: int) -> int:
        """Number of epochs left after `updates` updates, unfinished ones included."""
        if updates >= self.total:
            return 0
        return math.ceil(self.total / self.per_epoch) - updates // self.per_epoch


class UpdateCounter(keras.callbacks.Callback):
    """Counts updates, and ends each epoch after the number of updates in the plan.

    Put it before the callbacks that stop training early. `fit` needs at least as many
    `steps_per_epoch` as the longest epoch has batches.

    Args:
        plan: The `Plan`.
        batches: The `EndlessBatches` that `fit` takes.

    Attributes:
        updates: Integer. Number of updates so far.
        is_between: Whether the last batch ended an update.
    """

    def __init__(self, plan: Plan, batches: EndlessBatches):
        super().__init__()
        self.plan = plan
        self.batches = batches
        self.updates = batches.start.updates
        self._steps = batches.batches.gradient_accumulation_steps
        self._num_batches = 0

    @property
    def is_between(self) -> bool:
        return self._num_batches == 0

    @property
    def is_epoch_end(self) -> bool:
        """Whether this was the last update of the epoch."""
        return self.updates == self._end

    def on_epoch_begin(self, epoch, logs=None):
        self._end = self.plan.epoch_end(self.updates)

    def on_train_batch_end(self, batch, logs=None):
        self._num_batches = (self._num_batches + 1) % self._steps
        if self._num_batches:
            return
        self.updates += 1
        if self.is_epoch_end:
            self.model.stop_training = True  # ends the epoch

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = False

    def progress(self) -> Progress:
        """Returns the position in the data, and the numbers of updates and tokens."""
        return self.batches.progress(self.updates)

    def state(self) -> list:
        """The progress, for a checkpoint."""
        return list(self.progress())


def progress_of(state: list | None) -> Progress:
    """Converts `UpdateCounter.state` to a `Progress`; `None` is the beginning."""
    if state is None:
        return Progress()
    place, updates, tokens = state
    return Progress(Place(*place), updates, tokens)


class PartialMetrics(keras.callbacks.Callback):
    """Saves and restores the metrics of an unfinished epoch."""

    def __init__(self):
        super().__init__()
        self.restored: list[float | list[float]] | None = None
        self._is_within = False

    def state(self) -> list[float | list[float]] | None:
        """Returns the values of the metrics' variables; `None` between epochs.

        On several replicas, each has a part of a sum, and the value is a list.
        """
        if not self._is_within:
            return None
        return [_value(variable) for variable in self.model.metrics_variables]

    def restore(self, state: list[float | list[float]] | None) -> None:
        """Starts the next epoch with these values; the metrics must be built."""
        self.restored = state

    def on_epoch_begin(self, epoch, logs=None):
        if self.restored is not None:
            variables = self.model.metrics_variables
            for variable, value in zip(variables, self.restored, strict=True):
                _assign(variable, value)
        self.restored, self._is_within = None, True

    def on_epoch_end(self, epoch, logs=None):
        self._is_within = False


def _parts(variable):
    """The replicas' copies of a variable, or the variable itself."""
    parts = getattr(variable.value, "values", None)
    return parts if isinstance(parts, tuple) else [variable]


def _value(variable):
    values = [
        float(ops.convert_to_numpy(ops.convert_to_tensor(part)))
        for part in _parts(variable)
    ]
    return values if len(values) > 1 else values[0]


def _assign(variable, value):
    values = np.atleast_1d(value)
    parts = _parts(variable)
    if len(parts) != len(values):  # saved on another number of devices: use the sum
        parts, values = [variable], [np.sum(values)]
    for part, part_value in zip(parts, values, strict=True):
        part.assign(part_value)
