"""Stops training when the loss or a weight is no longer finite."""

import keras
import numpy as np
from keras import ops


class TrainingDiverged(ValueError):
    """The loss, a metric or a weight became NaN or infinite."""


class DivergenceCheck(keras.callbacks.Callback):
    """Raises `TrainingDiverged` at the first loss or weight that is not finite.

    Checks the logs after every batch, and all logs and weights at the end of every
    epoch. Put it first in the list of callbacks, so that a diverged epoch leaves no
    score or best weights, and earlier checkpoints stay unchanged. Keras'
    `TerminateOnNaN` instead ends `fit` without an error, after other callbacks have
    saved NaN.

    Raises:
        TrainingDiverged: Names the update and the value that is not finite.

    Example:

    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> model.compile(loss="mse")
    >>> x = np.full((4, 3), np.nan)
    >>> try:
    ...     model.fit(x, np.ones(4), callbacks=[DivergenceCheck()], verbose=0)
    ... except TrainingDiverged as error:
    ...     print(str(error)[:33])
    The training diverged at update 1
    """

    def on_train_batch_end(self, batch, logs=None):
        self._check_logs(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._check_logs(logs)
        check_weights(self.model)

    def _check_logs(self, logs):
        for name, value in (logs or {}).items():
            # perplexity overflows float32 long before the loss does
            may_overflow = "perplexity" in name
            is_infinite = np.isinf(value).any() and not may_overflow
            if np.isnan(value).any() or is_infinite:
                _stop(self.model, f"{name}={value}")


def check_weights(model) -> None:
    """Checks that all weights of a compiled model are finite.

    Args:
        model: The model.

    Raises:
        TrainingDiverged: If a weight is not finite.
    """
    for weight in model.weights:
        if "float" not in weight.dtype:
            continue
        if not ops.convert_to_numpy(ops.all(ops.isfinite(weight))):
            _stop(model, f"non-finite values in {weight.path}")


def _stop(model, received):
    update = int(ops.convert_to_numpy(model.optimizer.iterations))
    raise TrainingDiverged(
        f"The training diverged at update {update}. Expected finite numbers: use "
        "a lower learning rate or a longer warm-up and start again; earlier "
        f"checkpoints are unchanged. Received: {received}"
    )
