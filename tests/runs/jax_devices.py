"""One training on 1, 2 and 4 devices of the JAX backend, in one process.

    python -m tests.runs.jax_devices pairs.tsv FOLDER

Prints one line of JSON. JAX's number of CPU devices must be set before it starts.
"""

import json
import os
import sys
from pathlib import Path

# programs that are compiled quickly and run once
QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
# otherwise XLA ends a process one of whose devices waits for 40 seconds
QUICK += " --xla_cpu_collective_call_terminate_timeout_seconds=600"
DEVICES = "--xla_force_host_platform_device_count"
if __name__ == "__main__":  # not where a test imports the settings
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["XLA_FLAGS"] = f"{DEVICES}=4 {QUICK}"

import keras  # noqa: E402

from tests.fast import FAST  # noqa: E402
from tf_transformer.models import Transformer  # noqa: E402
from tf_transformer.models.model_parallel import TransformerParallel  # noqa: E402
from tf_transformer.runs.config import TrainingConfig  # noqa: E402
from tf_transformer.runs.training import train  # noqa: E402
from tf_transformer.utils.processes import local_array  # noqa: E402

SETTINGS = {
    "vocab_size": 290,
    "num_encoder_layers": 1,
    "num_decoder_layers": 1,
    "max_length": 8,  # one shape of batches: one compilation
    "batch_tokens": 60,  # 7 rows, which no number of devices divides
    "gradient_accumulation_steps": 2,
    "ema_momentum": 0.9,
    "cooldown": False,  # or the number of updates would change the rate
    "warmup_steps": 1,  # a longer one is cut to a part of all updates
    "validate_every": 2,
    "checkpoint_every": 1,
}
STAGES = [
    {"distribute": "data", "devices": 2},
    {"distribute": "model", "model_devices": 2},  # on 4 devices
]
if not FAST:
    STAGES = [{}, *STAGES[:1], {"distribute": "data"}, *STAGES[1:], {}]
UPDATES = 2 * len(STAGES)
REFUSED = [
    {"distribute": "data", "devices": 5},
    {"distribute": "model", "model_devices": 3},
    {"distribute": "model", "architecture": "recurrent"},
    {"distribute": "mirrored"},
    {"devices": 2},
]


def main(tsv, folder):
    one, changing = (Path(folder, name) for name in ("one", "changing"))
    nll = {"monitor": "nll", "validation_sentences": 0}
    train(TrainingConfig(data=tsv, max_updates=UPDATES, **SETTINGS, **nll), one)
    for i, devices in enumerate(STAGES):
        keras.utils.clear_session()  # names of variables start again
        settings = {**SETTINGS, **nll, **devices, "max_updates": 2 * (i + 1)}
        train(TrainingConfig(data=tsv, **settings), changing)
    errors = []
    for devices in REFUSED:
        settings = {**nll, **devices}
        try:
            train(TrainingConfig(data=tsv, **settings), Path(folder, "refused"))
        except ValueError as error:
            errors.append(str(error))
    print(json.dumps({"errors": errors, "shards": shards()}))


def shards() -> dict:
    """Shape and shape on one device of each variable of a divided model."""
    devices = [f"cpu:{i}" for i in range(4)]
    with TransformerParallel(devices, model_devices=2).scope():
        model = Transformer(
            23,
            num_layers=1,
            d_model=12,
            num_heads=3,
            d_ff=18,
            target_vocab_size=26,
            output_bias=True,
        )
    found = {}
    for variable in model.weights:
        value = variable.value
        shape = value.sharding.shard_shape(value.shape)
        found[variable.path.partition("/")[2]] = [list(value.shape), list(shape)]
        parts = local_array(variable)
        if (parts != value).any():
            raise ValueError(f"{variable.path} is put together wrongly")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
