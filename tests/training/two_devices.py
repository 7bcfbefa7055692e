"""Two updates on one device and on two, in a process of their own.

Logical devices must be set before TensorFlow starts, so no test can do this itself.
Prints one line of JSON.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from small_training import PAIRS, dataset, element, one_layer_model  # noqa: E402

from tf_transformer.training.losses import MaskedCrossEntropy  # noqa: E402
from tf_transformer.training.metrics import NegativeLogLikelihood  # noqa: E402

# the first two sentences go to the first replica, the others to the second
ORDERS = [(0, 4, 1, 3), (1, 3, 0, 4)]


def elements():
    made = []
    for order in ORDERS:
        pairs = [PAIRS[i] for i in order]
        num_tokens = (element(pairs, 1.0)[1] != 0).sum()
        made.append(element(pairs, 1 / num_tokens))
    return made


def trained(strategy):
    with strategy.scope():
        model = one_layer_model()
        model.compile(
            optimizer=keras.optimizers.SGD(0.5, momentum=0.9),
            loss=MaskedCrossEntropy(label_smoothing=0.1),
            metrics=[NegativeLogLikelihood()],
        )
    history = model.fit(dataset(elements()), shuffle=False, verbose=0).history
    return model.get_weights(), {name: values[-1] for name, values in history.items()}


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    start = one_layer_model().get_weights()
    one, one_logs = trained(tf.distribute.get_strategy())
    both, two_logs = trained(mirrored)
    tokens = [
        [int((half != 0).sum()) for half in np.split(labels, 2)]
        for _, labels, _ in elements()
    ]
    pairs = list(zip(one, both, start, strict=True))
    found = {
        "num_replicas": mirrored.num_replicas_in_sync,
        "tokens_of_replicas": tokens,
        "largest_difference": max(float(np.abs(a - b).max()) for a, b, _ in pairs),
        "moved": max(float(np.abs(a - c).max()) for a, _, c in pairs),
        "one": one_logs,
        "two": two_logs,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
