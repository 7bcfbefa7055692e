"""Training on a translation set of TensorFlow Datasets with `model.fit`.

    python scripts/train_on_tfds.py
    python scripts/train_on_tfds.py tfds:ted_hrlr_translate/pt_to_en --preset small

The default is the built-in corpus, `tfds:en_ko_grammar`, which needs no download. Other
sets are downloaded once into the folder of TensorFlow Datasets.
"""

import argparse

import keras

import tf_transformer as tt


def main() -> None:
    """Trains, then translates sentences of the validation split."""
    options = make_parser().parse_args()
    keras.utils.set_random_seed(1)

    pairs = tt.data.load(options.name, options.source, options.target)
    for split, part in pairs.splits.items():
        print(f"{split}: {len(part)} pairs")
    train_pairs = pairs.train[: options.pairs]
    tokenizer = tt.data.Tokenizer.train(train_pairs, vocab_size=options.vocab_size)
    model = train_model(train_pairs, pairs.validation, tokenizer, options)

    translator = tt.Translator(model, tokenizer)
    texts = [source for source, _ in pairs.validation[:5]]
    for text, translation in zip(texts, translator(texts, beam_size=4), strict=True):
        print(f"  {text}\n    {translation}")


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="tfds:en_ko_grammar")
    parser.add_argument("--source", help="source language, such as ko")
    parser.add_argument("--target", help="target language")
    parser.add_argument("--preset", default="tiny", help="tiny, small, base or big")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--peak", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--vocab-size", type=int, default=3000)
    parser.add_argument("--pairs", type=int, help="train on the first N pairs only")
    return parser


def train_model(pairs, validation_pairs, tokenizer, options):
    """Returns a trained model."""
    # pairs with more than 100 tokens are dropped
    lengths = {"batch_tokens": 1024, "max_length": 100}
    train = tt.data.batches(pairs, tokenizer, shuffle=True, seed=1, **lengths)
    valid = tt.data.batches(validation_pairs, tokenizer, **lengths)

    model = tt.Transformer.from_preset(
        options.preset, tokenizer.vocab_size, max_length=100
    )
    num_updates = options.epochs * len(train)
    schedule = tt.TransformerSchedule(
        model.d_model,
        warmup_steps=min(400, max(1, num_updates // 4)),
        peak=options.peak,
        total_steps=num_updates,
    )
    model.compile(
        optimizer=tt.Adam(schedule),
        loss=tt.MaskedCrossEntropy(label_smoothing=0.1),
        metrics=[tt.MaskedAccuracy(), tt.Perplexity()],
    )
    model.fit(
        train, validation_data=valid, epochs=options.epochs, shuffle=False, verbose=2
    )
    return model


if __name__ == "__main__":
    main()
