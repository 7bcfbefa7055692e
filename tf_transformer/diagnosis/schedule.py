"""Check of the learning rate schedule: it counts updates, not accumulated batches."""

import numpy as np
from keras import ops

from tf_transformer.diagnosis.findings import Finding, NotChecked
from tf_transformer.utils.keras_compat import (
    inner_optimizer,
    learning_rate_schedule,
)

UPDATES = (0, 1, 2, 10, 100, 1000, 10_000, 100_000)


def check_schedule(optimizer) -> list[Finding]:
    """All accumulated batches of an update must have one learning rate.

    Keras calls a schedule with the number of batches. With accumulation, a warm-up of
    4000 updates would end after 4000 batches.

    Args:
        optimizer: A Keras optimizer, or `None`.

    Returns:
        A list of at most one `Finding`.

    Raises:
        NotChecked: Without a schedule or without accumulation.
    """
    optimizer = inner_optimizer(optimizer)
    count = getattr(optimizer, "gradient_accumulation_steps", None)
    schedule = learning_rate_schedule(optimizer)
    if not callable(schedule):
        raise NotChecked("there is no optimizer with a schedule")
    if not count or count < 2:
        raise NotChecked("the optimizer accumulates no gradients")
    rates = np.array(
        [
            [_rate(schedule, update * count + batch) for batch in range(count)]
            for update in UPDATES
        ]
    )
    spread = float((rates.max(axis=1) - rates.min(axis=1)).max() / rates.max())
    if not spread:
        return []
    message = (
        f"{type(schedule).__name__} changes within one update: it counts batches, and "
        f"{count} batches are accumulated in an update. Multiply its numbers of "
        f"updates by {count}; otherwise its warm-up and decay end too early."
    )
    return [Finding("schedule", None, message, {"spread": spread})]


def _rate(schedule, step) -> float:
    return float(ops.convert_to_numpy(schedule(ops.convert_to_tensor(step))))
