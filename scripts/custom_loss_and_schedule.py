"""Your own loss and learning rate schedule in `model.compile`.

    python scripts/custom_loss_and_schedule.py --epochs 3 --strength 0.1

The loss subtracts a part of the entropy of the predictions ("confidence penalty",
arXiv:1701.06548), so that the model does not become overconfident. The learning rate
rises linearly, stays constant, and falls linearly to zero.
"""

import argparse

import keras
from keras import ops

import tf_transformer as tt


@keras.saving.register_keras_serializable(package="custom")
class ConfidencePenalty(tt.MaskedCrossEntropy):
    """Cross entropy minus `strength` times the entropy, for each real target token.

    `call` returns one number per token. The base class excludes padding and divides by
    the number of real tokens of the update.
    """

    def __init__(self, strength=0.1, **kwargs):
        super().__init__(**kwargs)
        self.strength = strength

    def call(self, y_true, y_pred):
        log_probs = ops.log_softmax(ops.cast(y_pred, "float32"))
        entropy = -ops.sum(ops.exp(log_probs) * log_probs, axis=-1)
        entropy = ops.where(tt.layers.padding_mask(y_true), entropy, 0.0)
        return super().call(y_true, y_pred) - self.strength * entropy

    def get_config(self):
        return {**super().get_config(), "strength": self.strength}


@keras.saving.register_keras_serializable(package="custom")
class Trapezoid(keras.optimizers.schedules.LearningRateSchedule):
    """Rises over the first fifth of the updates, falls over the last two fifths."""

    def __init__(self, peak, total_steps):
        super().__init__()
        self.peak = peak
        self.total_steps = total_steps

    def __call__(self, step):
        # Keras counts steps from 0: neither the first nor the last rate may be 0
        step = ops.cast(step, "float32")
        rise = (step + 1) / (0.2 * self.total_steps)
        fall = (self.total_steps - step) / (0.4 * self.total_steps)
        return self.peak * ops.clip(ops.minimum(rise, fall), 0.0, 1.0)

    def get_config(self):
        return {"peak": self.peak, "total_steps": self.total_steps}


def main() -> None:
    """Trains on the built-in corpus and translates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--pairs", type=int, help="train on the first N pairs only")
    parser.add_argument("--strength", type=float, default=0.1)
    parser.add_argument("--peak", type=float, default=1.5e-3)
    options = parser.parse_args()
    keras.utils.set_random_seed(1)

    pairs = tt.data.load("en_ko_grammar")
    tokenizer = tt.data.Tokenizer.train(pairs.train, vocab_size=3000)
    train = tt.data.batches(
        pairs.train[: options.pairs], tokenizer, batch_tokens=1024, shuffle=True
    )
    valid = tt.data.batches(pairs.validation[:200], tokenizer, batch_tokens=1024)

    model = tt.Transformer.from_preset("tiny", tokenizer.vocab_size)
    schedule = Trapezoid(options.peak, total_steps=options.epochs * len(train))
    model.compile(
        optimizer=tt.Adam(schedule),
        loss=ConfidencePenalty(options.strength),
        metrics=[tt.Perplexity()],
    )
    model.fit(
        train, validation_data=valid, epochs=options.epochs, shuffle=False, verbose=2
    )

    translator = tt.Translator(model, tokenizer)
    texts = [source for source, _ in pairs.test[:5]]
    for text, translation in zip(texts, translator(texts), strict=True):
        print(f"  {text}\n    {translation}")


if __name__ == "__main__":
    main()
