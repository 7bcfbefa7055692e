"""Training with `model.fit`."""

import sys

import keras
from fitting import fit_in_turns
from work import DROPOUT_RATE, LABEL_SMOOTHING, MODELS, VOCAB_SIZE

import tf_transformer as tt


def main(name: str, keep_memory: str) -> None:
    """Trains model S or B in turns."""
    if keep_memory == "keep":
        tt.keep_freed_memory()
    fit_in_turns(make_model(name), name)


def make_model(name: str):
    """Model S or B, compiled."""
    keras.utils.set_random_seed(1)
    return compiled(
        tt.Transformer(VOCAB_SIZE, dropout_rate=DROPOUT_RATE, **MODELS[name])
    )


def compiled(model):
    """Compiles a model with the paper's loss and optimizer."""
    schedule = tt.TransformerSchedule(model.d_model)
    model.compile(
        tt.Adam(schedule),
        loss=tt.MaskedCrossEntropy(label_smoothing=LABEL_SMOOTHING),
        metrics=[tt.MaskedAccuracy(), tt.Perplexity()],
    )
    return model


if __name__ == "__main__":
    main(*sys.argv[1:])
