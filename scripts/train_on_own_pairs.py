"""From your own sentence pairs to a SavedModel with `model.fit`.

    python scripts/train_on_own_pairs.py pairs.tsv saved_models/mine/1 --epochs 10

The file has one pair per line: source, TAB, target. 2 % of the pairs are kept for
validation and 2 % for the test. To resume stopped trainings and to keep the best
weights, use the command `tf-transformer train` instead.
"""

import argparse

import keras
import sacrebleu

import tf_transformer as tt


def main() -> None:
    """Trains, scores, translates and exports."""
    options = make_parser().parse_args()
    keras.utils.set_random_seed(1)

    pairs = tt.data.read_tsv(options.pairs)
    tokenizer = tt.data.Tokenizer.train(pairs.train, vocab_size=options.vocab_size)
    model = train_model(pairs, tokenizer, options)

    translator = tt.Translator(model, tokenizer)
    sources, references = zip(*pairs.test, strict=True)
    translations = translator(list(sources), beam_size=4)
    metric = sacrebleu.metrics.BLEU()
    print(metric.corpus_score(translations, [list(references)]))
    print(metric.get_signature())
    for source, translation in list(zip(sources, translations, strict=True))[:5]:
        print(f"  {source}\n    {translation}")
    folder = tt.export_saved_model(translator, options.saved_model)
    print(f"Exported to {folder}")


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", help="TSV file, plain or .gz")
    parser.add_argument("saved_model", help="new folder for the export: NAME/VERSION")
    parser.add_argument("--preset", default="tiny", help="tiny, small, base or big")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--peak", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--vocab-size", type=int, default=4000)
    return parser


def train_model(pairs, tokenizer, options):
    """Returns a trained model."""
    train = tt.data.batches(
        pairs.train, tokenizer, batch_tokens=1024, shuffle=True, seed=1
    )
    valid = tt.data.batches(pairs.validation, tokenizer, batch_tokens=1024)
    print(f"{len(pairs.train)} training pairs, {tokenizer.vocab_size} pieces")

    model = tt.Transformer.from_preset(options.preset, tokenizer.vocab_size)
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
