"""Custom layers in the Transformer: a gated feed-forward network, a temperature.

    python scripts/changed_layer.py --epochs 3

Each class below changes one sub-layer; the model receives it as an argument. Training,
search, scoring and export work as with the paper's layers.
"""

import argparse

import keras

import tf_transformer as tt

register = keras.saving.register_keras_serializable(package="changed_layer")


@register
class GatedFeedForward(tt.layers.FeedForward):
    """(activation(x W_1 + b_1) * (x V + c)) W_2 + b_2, as in arXiv:2002.05202."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.gate_dense = keras.layers.Dense(
            self.d_ff, **self.sublayer_arguments("gate")
        )

    def build(self, input_shape):
        self.gate_dense.build(input_shape)
        super().build(input_shape)

    def call(self, inputs):
        return self.outer_dense(self.inner_dense(inputs) * self.gate_dense(inputs))


@register
class TemperedAttention(tt.layers.MultiHeadAttention):
    """Multiplies the scores by a trained number, initially 1, and by 1/sqrt(d_k)."""

    def build(self, *shapes):
        self.temperature = self.add_weight(
            name="temperature", shape=(), initializer="ones"
        )
        super().build(*shapes)

    def keys_and_values(self, value, key=None):
        # the decoder caches these, so the change belongs here
        keys, values = super().keys_and_values(value, key)
        return keys * keras.ops.cast(self.temperature, keys.dtype), values


def main() -> None:
    """Trains on the built-in corpus and translates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--pairs", type=int, help="train on the first N pairs only")
    options = parser.parse_args()
    keras.utils.set_random_seed(1)

    pairs = tt.data.load("en_ko_grammar")
    tokenizer = tt.data.Tokenizer.train(pairs.train, vocab_size=3000)
    train = tt.data.batches(
        pairs.train[: options.pairs], tokenizer, batch_tokens=1024, shuffle=True
    )
    valid = tt.data.batches(pairs.validation[:200], tokenizer, batch_tokens=1024)

    model = tt.Transformer.from_preset(
        "tiny",
        tokenizer.vocab_size,
        activation="silu",
        attention=TemperedAttention,
        feed_forward=GatedFeedForward,
    )
    model.compile(
        optimizer=tt.Adam(tt.TransformerSchedule(model.d_model, warmup_steps=400)),
        loss=tt.MaskedCrossEntropy(label_smoothing=0.1),
        metrics=[tt.Perplexity()],
    )
    model.fit(
        train, validation_data=valid, epochs=options.epochs, shuffle=False, verbose=2
    )

    print("Learned temperatures:")
    for weight in model.weights:
        if weight.name == "temperature":
            print(f"  {weight.path}: {float(weight.value):.4f}")
    translator = tt.Translator(model, tokenizer)
    texts = [source for source, _ in pairs.test[:5]]
    for text, translation in zip(texts, translator(texts), strict=True):
        print(f"  {text}\n    {translation}")


if __name__ == "__main__":
    main()
