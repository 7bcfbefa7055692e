"""Averages of weights: of several checkpoints, and moving along with the training."""

from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np

from tf_transformer.training.checkpoints import weights_in
from tf_transformer.utils.keras_compat import inner_optimizer, moving_averages


def average_checkpoints(paths: Iterable[Path], model) -> None:
    """Gives a model the mean of the weights of several checkpoints.

    Section 6.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762),
    which averages the last 5. The optimizer is left alone.

    Args:
        paths: Files of `save_checkpoint`, such as
            `sorted(Path("runs/mine/checkpoints").glob("epoch-*.npz"))[-5:]`.
        model: A model of the same kind; it need not be compiled.

    Raises:
        ValueError: If there is no file, or one belongs to another model.
    """
    paths = list(paths)
    if not paths:
        raise ValueError("Expected at least one checkpoint to average. Received: none")
    files = zip(*(weights_in(path, model) for path in paths), strict=True)
    means = [np.mean(arrays, axis=0, dtype="float64") for arrays in files]
    for variable, mean in zip(model.weights, means, strict=True):
        variable.assign(mean.astype("float32"))


class ScoreAverages(keras.callbacks.Callback):
    """While an epoch is scored, the optimizer's moving averages are the weights.

    For an optimizer with `use_ema=True`. Validation sees the averages, and so does
    `on_epoch_end` of every callback between this one and `back`. Training goes on
    from the weights themselves, to the last bit, which Keras' `SwapEMAWeights` does
    not promise: it swaps by sums and differences.

    Example:

        averages = ScoreAverages()
        callbacks = [averages, keep_best, averages.back(), save_checkpoint]
    """

    def on_test_begin(self, logs=None):
        swap_averages(self.model)

    def on_test_end(self, logs=None):
        swap_averages(self.model)

    def on_epoch_end(self, epoch, logs=None):
        swap_averages(self.model)

    def back(self) -> keras.callbacks.Callback:
        """The callback after which the weights are themselves again."""
        return keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: swap_averages(self.model)
        )


def swap_averages(model) -> None:
    """Exchanges weights and moving averages, exactly.

    Args:
        model: A model whose optimizer was made with `use_ema=True`.
    """
    for variable, average in moving_averages(inner_optimizer(model.optimizer)):
        weight = np.array(keras.ops.convert_to_numpy(variable))
        variable.assign(average)
        average.assign(weight)
