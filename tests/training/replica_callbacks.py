"""Every callback in a `fit` on two replicas, for more updates than any interval.

    python -m tests.training.replica_callbacks FOLDER

Prints one line of JSON. Logical devices must be set before TensorFlow starts.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from tf_transformer.analysis.images import AttentionImages  # noqa: E402
from tf_transformer.data.batching import Batches  # noqa: E402
from tf_transformer.data.tf_dataset import tf_dataset  # noqa: E402
from tf_transformer.data.tokenizer import Tokenizer  # noqa: E402
from tf_transformer.inference.translator import Translator  # noqa: E402
from tf_transformer.models import Transformer  # noqa: E402
from tf_transformer.training.averaging import ScoreAverages, swap_averages  # noqa: E402
from tf_transformer.training.callbacks import (  # noqa: E402
    JsonLog,
    KeepBest,
    TranslationQuality,
)
from tf_transformer.training.checkpointing import SaveCheckpoint  # noqa: E402
from tf_transformer.training.checkpoints import restore_checkpoint  # noqa: E402
from tf_transformer.training.divergence import DivergenceCheck  # noqa: E402
from tf_transformer.training.losses import MaskedCrossEntropy  # noqa: E402
from tf_transformer.training.metrics import NegativeLogLikelihood, Perplexity  # noqa: E402
from tf_transformer.training.optimizer import Adam  # noqa: E402
from tf_transformer.training.telemetry import Telemetry  # noqa: E402
from tf_transformer.training.tensorboard import (  # noqa: E402
    UPDATES_PER_POINT,
    TensorBoardLog,
)

TELEMETRY_EVERY = 7


def pairs():
    random = np.random.default_rng(2)
    rows = (random.integers(4, 23, n) for n in random.integers(2, 9, 2 * 93))
    texts = [" ".join(map(str, ids)) for ids in rows]
    return list(zip(texts[::2], texts[1::2], strict=True))


def batches(tokenizer):
    return Batches(pairs(), tokenizer, batch_tokens=35, shuffle=True, seed=1)


def make_model(tokenizer):
    model = Transformer(
        tokenizer.vocab_size, num_layers=1, d_model=12, num_heads=3, d_ff=17
    )
    model.compile(
        Adam(1e-3, use_ema=True, ema_momentum=0.9),
        MaskedCrossEntropy(0.1),
        metrics=[NegativeLogLikelihood(), Perplexity()],
        weighted_metrics=[NegativeLogLikelihood(name="weighted_nll")],
    )
    return model


def all_callbacks(folder, dataset, translator):
    quality = TranslationQuality(lambda texts: texts, [("4 5 6 7 8", "4 5 6 7 9")])
    keep_best = KeepBest(folder / "best.weights.h5", "val_nll")
    averages = ScoreAverages()
    return [
        DivergenceCheck(),
        averages,
        quality,
        keep_best,
        TensorBoardLog(folder / "logs", quality),
        Telemetry(folder / "logs", next(iter(dataset)), every=TELEMETRY_EVERY),
        AttentionImages(folder / "logs", translator, pairs()[:2]),
        JsonLog(folder / "log.jsonl"),
        averages.back(),
        SaveCheckpoint(folder, {"best": keep_best}),
        keras.callbacks.ModelCheckpoint(folder / "x.keras"),
    ]


def two_devices():
    """A strategy for two logical devices of the CPU."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def steps_by_tag(logs):
    """The steps of all points in TensorBoard's files."""
    steps = {}
    for path in sorted(logs.iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                steps.setdefault(value.tag, []).append(event.step)
    return steps


def main(folder):
    strategy = two_devices()
    tokenizer = Tokenizer.train(pairs(), vocab_size=300)
    with strategy.scope():
        model = make_model(tokenizer)
        fed = batches(tokenizer)
        dataset, valid = tf_dataset(fed), tf_dataset(batches(tokenizer))
    callbacks = all_callbacks(folder, dataset, Translator(model, tokenizer))
    options = {"epochs": 2, "shuffle": False, "verbose": 0, "callbacks": callbacks}
    model.fit(dataset, validation_data=valid, **options)
    with strategy.scope():
        other = make_model(tokenizer)
        state = restore_checkpoint(folder / "epoch-0002.npz", other)
        swap_averages(other)  # as Keras does at the end of `fit`
    same = [
        np.array_equal(a.numpy(), b.numpy())
        for a, b in zip(model.weights, other.weights, strict=True)
    ]
    loaded = keras.saving.load_model(folder / "x.keras")
    log = (folder / "log.jsonl").read_text().splitlines()
    results = {
        "updates": int(model.optimizer.iterations.numpy()),
        "epoch": fed.epoch,
        "same_weights": all(same),
        "state": state,
        "points": steps_by_tag(folder / "logs"),
        "every": [UPDATES_PER_POINT, TELEMETRY_EVERY],
        "loaded_updates": int(loaded.optimizer.iterations),
        "log": list(map(json.loads, log)),
    }
    print(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
