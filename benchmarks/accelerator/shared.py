"""Imports of `benchmarks/speed`, and of the package from the checkout.

The package need not be installed, because pip would install TensorFlow with it.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "benchmarks" / "speed"), str(ROOT)]

from turns import Worker, take_turns  # noqa: E402
from work import (  # noqa: E402
    BOS_ID,
    DROPOUT_RATE,
    EOS_ID,
    LABEL_SMOOTHING,
    PAD_ID,
    STEPS,
    batch,
    lengths,
    rows,
    weighted,
)

__all__ = [
    "BOS_ID",
    "DROPOUT_RATE",
    "EOS_ID",
    "LABEL_SMOOTHING",
    "PAD_ID",
    "STEPS",
    "Worker",
    "batch",
    "lengths",
    "rows",
    "take_turns",
    "weighted",
]
