"""An encoder and a softmax: which of two nouns does "it" stand for?

    python scripts/classify_sentences.py --epochs 2

"The animal didn't cross the street because it was too tired": the first noun; "... too
wide": the second. The sentences are from the built-in corpus. The classifier is the
encoder of the paper; the mean of its outputs over the real tokens is classified.
"""

import argparse

import keras

import tf_transformer as tt
from tf_transformer.analysis import antecedent_positions, examples_with_antecedent


@keras.saving.register_keras_serializable(package="classify_sentences")
class Classifier(keras.Model):
    """Token ids `(B, S)` to logits of the classes `(B, C)`."""

    def __init__(self, vocab_size, num_classes, **kwargs):
        super().__init__(**kwargs)
        self.embedding = tt.layers.TokenEmbedding(vocab_size=vocab_size, d_model=64)
        self.positions = tt.layers.PositionalEncoding(max_length=128)
        self.encoder = tt.layers.Encoder(
            num_layers=2, d_model=64, num_heads=4, d_ff=256, dropout_rate=0.1
        )
        self.output_dense = keras.layers.Dense(num_classes)

    def call(self, ids, training=None):
        mask = tt.layers.padding_mask(ids)  # (B, S)
        x = self.positions(self.embedding(ids))
        x = self.encoder(x, padding_mask=mask, training=training)
        is_token = keras.ops.cast(mask, x.dtype)[:, :, None]
        mean = keras.ops.sum(x * is_token, 1) / keras.ops.sum(is_token, 1)
        return self.output_dense(mean)


def sentences(split):
    """Sentences with two nouns before "it", and 0 or 1 for the noun it stands for."""
    examples = examples_with_antecedent(split)
    places = [(e.source, *antecedent_positions(e)[1:]) for e in examples]
    return zip(*((s, x.index(n)) for s, n, x in places if len(x) == 2), strict=True)


def main() -> None:
    """Trains, and prints the accuracy on unseen sentences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    keras.utils.set_random_seed(1)
    texts, labels = sentences("train")
    tokenizer = tt.data.Tokenizer.train([(text, text) for text in texts], 600)

    def arrays(texts, labels):
        rows = tokenizer.encode_source(texts)
        return keras.utils.pad_sequences(rows, padding="post"), keras.ops.array(labels)

    model = Classifier(tokenizer.vocab_size, num_classes=2)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(*arrays(texts, labels), batch_size=32, epochs=options.epochs, verbose=2)
    texts, labels = sentences("test")
    _, accuracy = model.evaluate(*arrays(texts, labels), verbose=0)
    share = max(labels.count(label) for label in (0, 1)) / len(labels)
    print(f"{len(texts)} unseen sentences: accuracy {accuracy:.3f}")
    print(f"the more frequent noun for all: accuracy {share:.3f}")


if __name__ == "__main__":
    main()
