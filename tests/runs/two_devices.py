"""A run on one device, and a run that changes between one and two.

    python -m tests.runs.two_devices pairs.tsv FOLDER

Logical devices must be set before TensorFlow starts, so no test can do this itself.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf  # noqa: E402

from tests.fast import FAST  # noqa: E402
from tf_transformer.models import Transformer  # noqa: E402
from tf_transformer.runs import training  # noqa: E402
from tf_transformer.runs.config import TrainingConfig  # noqa: E402


def small_model(config, tokenizer, arguments=None):
    return Transformer(
        tokenizer.vocab_size,
        num_layers=1,
        d_model=24,
        num_heads=3,
        d_ff=50,
        dropout_rate=config.dropout_rate,
        max_length=config.max_length,
    )


def main(tsv, folder):
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    train, training.make_model = training.train, small_model
    settings = {
        "data": tsv,
        "vocab_size": 330,
        "batch_tokens": 110,  # more updates than TensorBoard's 20 per point
        "telemetry": 9,
        "attention_images": 1,
        "dropout_rate": 0.0,  # the replicas sample other masks than one device
        "cooldown": False,  # or the number of epochs would change the rate
        "validation_sentences": 5,
        "warmup_steps": 1,  # a longer one is cut to a part of all updates
    }
    if FAST:  # test_replica_callbacks.py has these on two replicas
        settings.update(telemetry=None, attention_images=0)
        settings.update(validation_sentences=0, monitor="nll")
    train(TrainingConfig(epochs=2, **settings), Path(folder, "one"))
    changing = Path(folder, "changing")
    two = {"distribute": "mirrored", "devices": 2}
    train(TrainingConfig(epochs=1, **two, **settings), changing)
    train(TrainingConfig(epochs=2, devices=1, **settings), changing)
    try:
        train(TrainingConfig(devices=3, **settings), Path(folder, "three"))
    except ValueError as error:
        print(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
