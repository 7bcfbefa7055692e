"""Training with `model.fit` on JAX in mixed bfloat16, one epoch per turn."""

import sys

import jax
import keras
from shared import DROPOUT_RATE, LABEL_SMOOTHING, take_turns, weighted
from workload import LENGTH, MODELS, VOCAB_SIZES, WARMUP_STEPS, training_batches

import tf_transformer as tt


class Batches(keras.utils.PyDataset):
    """Repeats the batches until an epoch has `num_steps` of them."""

    def __init__(self, batches, num_steps: int):
        super().__init__()
        self.batches = [weighted(batch) for batch in batches]
        self.num_steps = num_steps

    def __len__(self):
        return self.num_steps

    def __getitem__(self, index):
        return self.batches[index % len(self.batches)]


def make_model(name: str):
    """The model, compiled."""
    keras.utils.set_random_seed(1)
    model = tt.Transformer(
        VOCAB_SIZES[name],
        dropout_rate=DROPOUT_RATE,
        max_length=LENGTH,
        dtype="mixed_bfloat16",
        **MODELS[name],
    )
    model.compile(
        tt.Adam(tt.TransformerSchedule(model.d_model, WARMUP_STEPS)),
        loss=tt.MaskedCrossEntropy(label_smoothing=LABEL_SMOOTHING),
        jit_compile=True,
    )
    return model


def memory_and_device() -> dict:
    """The device, and the peak of its memory if JAX reports it."""
    [device, *_] = jax.devices()
    peak = (device.memory_stats() or {}).get("peak_bytes_in_use")
    return {"device": device.device_kind, "device GB": peak and peak / 1e9}


def main(name: str, batch_tokens: str, num_steps: str) -> None:
    """Trains in turns."""
    model = make_model(name)
    dataset = Batches(training_batches(name, int(batch_tokens)), int(num_steps))

    def train():
        [loss] = model.fit(dataset, shuffle=False, verbose=0).history["loss"]
        return {"loss": loss, "weights": model.count_params(), **memory_and_device()}

    train()
    take_turns(train)


if __name__ == "__main__":
    main(*sys.argv[1:])
