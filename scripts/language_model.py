"""A stack of blocks with a causal mask: a language model that continues sentences.

    python scripts/language_model.py "The children" --epochs 6

It learns the English sentences of the built-in corpus. The blocks are the paper's
encoder blocks; with `use_causal_mask=True`, each position attends only to itself and
earlier ones, as in a decoder without cross-attention (GPT).
"""

import argparse

import keras
import numpy as np

import tf_transformer as tt
from tf_transformer.ids import BOS_ID, EOS_ID


@keras.saving.register_keras_serializable(package="language_model")
class LanguageModel(keras.Model):
    """Token ids `(B, T)` to the logits of each next token `(B, T, V)`."""

    def __init__(self, vocab_size, **kwargs):
        super().__init__(**kwargs)
        self.embedding = tt.layers.TokenEmbedding(vocab_size=vocab_size, d_model=96)
        self.positions = tt.layers.PositionalEncoding(max_length=128)
        self.blocks = tt.layers.Encoder(
            num_layers=3, d_model=96, num_heads=4, d_ff=384, dropout_rate=0.1
        )

    def call(self, ids, training=None):
        x = self.positions(self.embedding(ids))
        x = self.blocks(
            x,
            padding_mask=tt.layers.padding_mask(ids),
            use_causal_mask=True,
            training=training,
        )
        return self.embedding(x, reverse=True)


def rows(tokenizer, texts):
    """Inputs and labels: each token predicts the next one."""
    ids = [[BOS_ID, *row] for row in tokenizer.encode_source(texts)]
    ids = keras.utils.pad_sequences(ids, padding="post")
    return ids[:, :-1], ids[:, 1:]


def continued(model, tokenizer, start, num_tokens=30):
    """Appends the most likely next token to the text, repeatedly."""
    ids = [BOS_ID, *tokenizer.encode_source([start])[0][:-1]]  # without the end token
    while ids[-1] != EOS_ID and len(ids) < num_tokens:
        logits = model(np.array([ids]))[0, -1]
        ids.append(int(keras.ops.argmax(logits)))
    return tokenizer.decode_source([ids[1:]])[0]


def main() -> None:
    """Trains, and continues sentences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("starts", nargs="*", default=["The children", "I"])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--sentences", type=int, help="train on the first N only")
    options = parser.parse_args()
    keras.utils.set_random_seed(1)
    corpus = tt.data.load("en_ko_grammar")
    texts = [english for english, _ in corpus.train][: options.sentences]
    tokenizer = tt.data.Tokenizer.train([(text, text) for text in texts], 1500)
    model = LanguageModel(tokenizer.vocab_size)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=tt.MaskedCrossEntropy(),
        metrics=[tt.Perplexity()],
    )
    valid = rows(tokenizer, [english for english, _ in corpus.validation])
    model.fit(
        *rows(tokenizer, texts),
        validation_data=valid,
        batch_size=64,
        epochs=options.epochs,
        verbose=2,
    )
    for start in options.starts:
        print(f"  {start}\n    {continued(model, tokenizer, start)}")


if __name__ == "__main__":
    main()
