"""Trains on a file of questions and answers, and answers new questions.

    python scripts/answer_questions.py questions.csv "I am bored" --epochs 30

The columns are Q, A and a label; the label is ignored. Files in CSV, TSV or JSON lines
are read, with or without a header. The model learns the pairs of the file, so it
returns the answer to a similar question.
"""

import argparse

import keras

import tf_transformer as tt


def main() -> None:
    """Trains on all pairs but a few, and answers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="Q, A, label: .csv, .tsv or .jsonl")
    parser.add_argument(
        "questions",
        nargs="*",
        help="your questions; by default unseen ones of the file",
    )
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--vocab-size", type=int, default=4000)
    options = parser.parse_args()
    keras.utils.set_random_seed(1)

    pairs = tt.data.read_tsv(options.file)
    tokenizer = tt.data.Tokenizer.train(pairs.train, vocab_size=options.vocab_size)
    train = tt.data.batches(pairs.train, tokenizer, batch_tokens=1024, shuffle=True)
    valid = tt.data.batches(pairs.validation, tokenizer, batch_tokens=1024)

    model = tt.Transformer.from_preset("tiny", tokenizer.vocab_size)
    num_updates = options.epochs * len(train)
    schedule = tt.TransformerSchedule(
        model.d_model,
        warmup_steps=max(1, num_updates // 8),
        peak=2e-3,
        total_steps=num_updates,
    )
    model.compile(
        optimizer=tt.Adam(schedule),
        loss=tt.MaskedCrossEntropy(label_smoothing=0.1),
        metrics=[tt.Perplexity()],
    )
    model.fit(
        train, validation_data=valid, epochs=options.epochs, shuffle=False, verbose=2
    )
    translator = tt.Translator(model, tokenizer)
    questions = options.questions or [question for question, _ in pairs.test[:5]]
    answers = translator(questions, beam_size=4)
    for question, answer in zip(questions, answers, strict=True):
        print(f"  {question}\n    {answer}")


if __name__ == "__main__":
    main()
