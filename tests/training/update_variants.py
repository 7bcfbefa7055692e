"""The same 5 updates of 64 sentences, divided in all supported ways.

    python -m tests.training.update_variants

prints the tables of `docs/distribution.md` and, last, the same as one line of JSON.
Logical devices must be set before TensorFlow starts, so no test can do this itself.
"""

import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from tests.fast import FAST  # noqa: E402
from tests.training.update_data import tokens_of_parts, uneven_batches  # noqa: E402
from tests.training.update_fits import (  # noqa: E402
    compared_weights,
    expected,
    fitted,
    fitted_on_own_data,
    fitted_unevenly,
    make_model,
    refusals,
    strategy_of,
)

# name -> batches of an update, replicas
VARIANTS = {
    "1 x 64": (1, 1),
    "2 accumulated x 32": (2, 1),
    "4 accumulated x 16": (4, 1),
    "64 on 2 replicas": (1, 2),
    "64 on 4 replicas": (1, 4),
}
REPLICAS, OWN_DATA = (2, 4), ("no weights", "ones", "sentences")
if FAST:
    VARIANTS = {name: VARIANTS[name] for name in ("4 accumulated x 16",)}
    REPLICAS, OWN_DATA = (2,), ("no weights", "sentences")


def largest(one, other):
    pairs = zip(one, other, strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def table_of_updates():
    weights, nll, rates = expected()
    found = {"moved": largest(weights, compared_weights(make_model()))}
    print("| update | tokens of the parts | weights | nll | rate |")
    print("|---|---|---|---|---|")
    for name, (num_batches, num_replicas) in VARIANTS.items():
        other, other_nll, other_rates = fitted(num_batches, strategy_of(num_replicas))
        row = found[name] = {
            "tokens": tokens_of_parts(num_batches * num_replicas),
            "weights": largest(weights, other),
            "nll": abs(other_nll - nll),
            "rate": largest(rates, other_rates),
        }
        print_row(name, ", ".join(map(str, row["tokens"])), *list(row.values())[1:])
    return found


def table_of_uneven_batches():
    rows = [len(labels) for _, labels, _ in uneven_batches()]
    weights, nll, evaluated = fitted_unevenly(strategy_of(1))
    found = {"rows": rows}
    print(f"\nRows of the batches: {', '.join(map(str, rows))}\n")
    print("| replicas | weights | nll in fit | nll in evaluate |")
    print("|---|---|---|---|")
    for num_replicas in REPLICAS:
        other = fitted_unevenly(strategy_of(num_replicas))
        row = found[str(num_replicas)] = {
            "weights": largest(weights, other[0]),
            "nll": abs(other[1] - nll),
            "evaluated": abs(other[2] - evaluated),
        }
        print_row(num_replicas, *row.values())
    return found


def table_of_own_data():
    weights, _, _ = expected()
    found = {}
    print("\n| own data | replicas | weights | loss in fit |\n|---|---|---|---|")
    for kind in OWN_DATA:
        one, one_loss = fitted_on_own_data(kind, strategy_of(1))
        if kind != "sentences":
            print_row(kind, 1, largest(weights, one), "")
            found[f"{kind}, 1"] = {"weights": largest(weights, one)}
        two, two_loss = fitted_on_own_data(kind, strategy_of(2))
        row = {"weights": largest(one, two), "loss": abs(one_loss - two_loss)}
        found[f"{kind}, 2"] = row
        print_row(kind, 2, *row.values())
    return found


def print_row(*cells):
    shown = (f"{cell:.1e}" if isinstance(cell, float) else str(cell) for cell in cells)
    print("| " + " | ".join(shown) + " |")


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    four = [tf.config.LogicalDeviceConfiguration()] * 4
    tf.config.set_logical_device_configuration(cpu, four)
    print(
        json.dumps(
            {
                "updates": table_of_updates(),
                "uneven": table_of_uneven_batches(),
                "own": table_of_own_data(),
                "refusals": refusals(),
            }
        )
    )


if __name__ == "__main__":
    main()
