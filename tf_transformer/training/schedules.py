"""The paper's learning rate schedule (section 5.3, equation 3), and its variants.

`tt.Adam` also takes any Keras schedule. To add a value of `decay`, add it to `DECAYS`
here and to `CHOICES` in `runs/choices.py`, which lists the values of `train --decay`.
"""

import math

import keras
from keras import ops

DECAYS = ("inverse_sqrt", "linear", "cosine")


@keras.saving.register_keras_serializable(package="tf_transformer")
class TransformerSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly, then falls with the inverse square root of the update.

    Equation (3) of [Attention Is All You Need](https://arxiv.org/abs/1706.03762):

        rate = d_model^-0.5 * min(update^-0.5, update * warmup_steps^-1.5)

    Updates count from 1, as in the paper: the first update has a rate above 0. Keras
    calls a schedule with the number of batches; `gradient_accumulation_steps` converts
    it to updates.

    Differs from the paper: with `total_steps` the rate falls linearly to zero over the
    last third, which helps short runs; `peak` replaces (d_model * warmup_steps)^-0.5,
    the rate at the end of warm-up; with `decay` `"linear"` or `"cosine"` the rate falls
    from the peak to zero along a line or half a cosine.

    Args:
        d_model: Integer. The model's width.
        warmup_steps: Integer. Updates until the peak. Defaults to 4000.
        gradient_accumulation_steps: Integer. The optimizer's setting. Defaults to 1.
        peak: Optional float. The highest rate.
        total_steps: Optional integer. Number of updates of the whole training.
        decay: String. `"inverse_sqrt"` (default), `"linear"` or `"cosine"`; the latter
            two need `total_steps`.

    Call arguments:
        step: Integer tensor. Number of batches so far, from 0.

    Returns:
        The rate, a float32 scalar.

    Example: the rate of the paper's base model at its 4000th update.

    >>> schedule = TransformerSchedule(d_model=512)
    >>> f"{schedule(3999).numpy():.2e}"
    '6.99e-04'
    """

    def __init__(
        self,
        d_model,
        warmup_steps=4000,
        gradient_accumulation_steps=1,
        peak=None,
        total_steps=None,
        decay="inverse_sqrt",
    ):
        super().__init__()
        for name, value in (
            ("d_model", d_model),
            ("warmup_steps", warmup_steps),
            ("gradient_accumulation_steps", gradient_accumulation_steps),
        ):
            if value < 1:
                raise ValueError(f"{name} must be at least 1. Received: {name}={value}")
        if peak is not None and not 0 < peak < math.inf:
            raise ValueError(f"peak must be above 0. Received: peak={peak}")
        if total_steps is not None and total_steps < warmup_steps:
            raise ValueError(
                "total_steps must not be less than warmup_steps. Received: "
                f"total_steps={total_steps}, warmup_steps={warmup_steps}"
            )
        if decay not in DECAYS or (decay != "inverse_sqrt" and total_steps is None):
            raise ValueError(
                f"Unknown decay. Expected one of {', '.join(DECAYS)}, with total_steps "
                "if it is not inverse_sqrt. Received: "
                f"decay={decay!r}, total_steps={total_steps}"
            )
        self.d_model = d_model
        self.warmup_steps = warmup_steps
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.peak = peak
        self.total_steps = total_steps
        self.decay = decay

    def __call__(self, step):
        update = ops.cast(step, "int32") // self.gradient_accumulation_steps + 1
        update = ops.cast(update, "float32")
        if self.decay != "inverse_sqrt":
            peak = self.peak or (self.d_model * self.warmup_steps) ** -0.5
            return peak * ops.minimum(update / self.warmup_steps, self._left(update))
        rate = ops.minimum(update**-0.5, update * self.warmup_steps**-1.5)
        if self.peak is None:
            rate = rate * self.d_model**-0.5
        else:
            rate = rate * self.warmup_steps**0.5 * self.peak
        if self.total_steps is not None:
            left = (self.total_steps + 1 - update) / (self.total_steps / 3)
            rate = rate * ops.clip(left, 0.0, 1.0)
        return rate

    def _left(self, update):
        """Falls from 1 at the end of the warm-up to 0 after the last update."""
        num_updates = self.total_steps + 1 - self.warmup_steps
        left = ops.clip((self.total_steps + 1 - update) / num_updates, 0.0, 1.0)
        if self.decay == "cosine":
            left = 0.5 - 0.5 * ops.cos(math.pi * left)
        return left

    def get_config(self):
        return {
            "d_model": self.d_model,
            "warmup_steps": self.warmup_steps,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
            "peak": self.peak,
            "total_steps": self.total_steps,
            "decay": self.decay,
        }
