"""A translation set of TensorFlow Datasets, by its name, and `model.fit`.

    python scripts/train_on_tfds.py
    python scripts/train_on_tfds.py tfds:ted_hrlr_translate/pt_to_en --preset small

Without a name it is `tfds:en_ko_grammar`, the corpus that comes along: nothing is
downloaded then. Other sets are downloaded once, into TensorFlow Datasets' own folder.
"""

import argparse

import keras

import tf_transformer as tt


def main() -> None:
    """Trains and translates sentences that were kept for validation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="tfds:en_ko_grammar")
    parser.add_argument("--source", help="language to translate from, such as ko")
    parser.add_argument("--target", help="language to translate into")
    parser.add_argument("--preset", default="tiny", help="tiny, small, base or big")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--peak", type=float, default=2e-3, help="of learning rate")
    parser.add_argument("--vocab-size", type=int, default=3000)
    parser.add_argument("--pairs", type=int, help="train on the first N pairs only")
    options = parser.parse_args()
    keras.utils.set_random_seed(1)

    pairs = tt.data.load(options.name, options.source, options.target)
    for split, part in pairs.splits.items():
        print(f"{split}: {len(part)} pairs")
    learnt = pairs.train[: options.pairs]
    tokenizer = tt.data.Tokenizer.train(learnt, vocab_size=options.vocab_size)
    # sentences of more than 100 tokens are left out of real, longer sets
    lengths = {"batch_tokens": 1024, "max_length": 100}
    train = tt.data.batches(learnt, tokenizer, shuffle=True, seed=1, **lengths)
    valid = tt.data.batches(pairs.validation, tokenizer, **lengths)

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

    translator = tt.Translator(model, tokenizer)
    texts = [source for source, _ in pairs.validation[:5]]
    for text, translation in zip(texts, translator(texts, beam_size=4), strict=True):
        print(f"  {text}\n    {translation}")


if __name__ == "__main__":
    main()
