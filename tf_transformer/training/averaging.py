"""Averages of weights: over checkpoints, and moving averages."""

from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np

from tf_transformer.training.checkpoints import weights_in
from tf_transformer.utils.keras_compat import inner_optimizer, moving_averages
from tf_transformer.utils.processes import local_array


def average_checkpoints(paths: Iterable[Path], model) -> None:
    """Sets a model's weights to the mean of several checkpoints.

    Section 6.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762),
    which averages the last 5. The optimizer is not changed.

    Args:
        paths: Files of `save_checkpoint`, such as
            `RunDirectory("runs/mine").last_checkpoints(5)`.
        model: A model with the same configuration, compiled or not.

    Raises:
        ValueError: If there is no file, or a file belongs to another model or is no
            checkpoint.
    """
    paths = list(paths)
    for path in paths:
        if Path(path).suffix != ".npz":
            raise ValueError(
                "Expected checkpoints of a run, such as epoch-0003.npz. "
                f"Received: {path}"
            )
    if not paths:
        raise ValueError("Expected at least one checkpoint to average. Received: none")
    files = zip(*(weights_in(path, model) for path in paths), strict=True)
    means = [np.mean(arrays, axis=0, dtype="float64") for arrays in files]
    for variable, mean in zip(model.weights, means, strict=True):
        variable.assign(mean.astype("float32"))


class ScoreAverages(keras.callbacks.Callback):
    """Validates with the optimizer's moving averages as weights.

    For an optimizer with `use_ema=True`. During validation, and in `on_epoch_end` of
    every callback between this one and `back()`, the model's weights are the averages.
    Training continues from the exact weights. (Keras' `SwapEMAWeights` swaps by sums
    and differences, with rounding errors.)

    Example: `KeepBest` saves the averages; training continues with the weights.

    >>> import numpy as np
    >>> from tf_transformer.training.callbacks import KeepBest
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.Adam(use_ema=True), "mse")
    >>> averages, best = ScoreAverages(), KeepBest("best.weights.h5", "loss")
    >>> callbacks = [averages, best, averages.back()]
    >>> _ = model.fit(np.ones((4, 3)), np.ones(4), callbacks=callbacks, verbose=0)
    """

    def on_test_begin(self, logs=None):
        swap_averages(self.model)

    def on_test_end(self, logs=None):
        swap_averages(self.model)

    def on_epoch_end(self, epoch, logs=None):
        swap_averages(self.model)

    def back(self) -> keras.callbacks.Callback:
        """Returns the callback that restores the weights."""
        return keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: swap_averages(self.model)
        )


def swap_averages(model) -> None:
    """Exchanges weights and moving averages without rounding.

    Args:
        model: A model whose optimizer was made with `use_ema=True`.
    """
    for variable, average in moving_averages(inner_optimizer(model.optimizer)):
        weight = np.array(local_array(variable))
        variable.assign(average)
        average.assign(weight)
