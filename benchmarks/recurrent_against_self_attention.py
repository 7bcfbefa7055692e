"""Compares the recurrent model, with each score function, with self-attention.

    python benchmarks/recurrent_against_self_attention.py --output architectures.json

Every row of the table is a model trained on the same batches of the built-in corpus.
All have about the same number of weights and the same number of updates, and are scored
on the same unseen texts, in thirds by the length of the source. Every second text
consists of two sentences of the corpus, so that there are long texts too. All figures
are written to the file; a second call measures only the missing rows.
"""

import argparse
import json
import random
import time
from pathlib import Path

import keras

import tf_transformer as tt
from tf_transformer.training import score_translations

# with about the same number of weights
SELF_ATTENTION = {"num_layers": 2, "d_model": 64, "num_heads": 4, "d_ff": 256}
RECURRENT = {"num_layers": 1, "d_model": 108}
ROWS = {
    "Transformer": (tt.Transformer, SELF_ATTENTION),
    **{
        f"recurrent, {score or 'no attention'}": (
            tt.RecurrentSeq2Seq,
            {**RECURRENT, "score": score},
        )
        for score in (None, "dot", "additive", "general", "scaled_dot", "concat")
    },
}
THIRDS = ("short", "medium", "long")


def main(arguments: list[str] | None = None) -> None:
    """Trains and scores the missing rows, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--output", type=Path, default=Path("architectures.json"))
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--joined", type=int, default=2, help="sentences of a text")
    parser.add_argument("--batch-tokens", type=int, default=512)
    parser.add_argument("--vocab-size", type=int, default=1000)
    parser.add_argument("--peak", type=float, default=3e-3, help="highest rate")
    parser.add_argument("--tested", type=int, default=300, help="texts scored")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    options = parser.parse_args(arguments)
    settings = {
        name: value
        for name, value in vars(options).items()
        if name not in ("output", "rows")
    }
    results = {"settings": settings, "rows": {}}
    if options.output.exists():
        saved = json.loads(options.output.read_text(encoding="utf-8"))
        if saved["settings"] != settings:
            parser.error(f"{options.output} has other settings: {saved['settings']}")
        results = saved
    data = make_data(options)
    for name in options.rows:
        if name not in results["rows"]:
            print(f"\n{name}", flush=True)
            results["rows"][name] = measure(*ROWS[name], data, options)
            text = json.dumps(results, indent=2, ensure_ascii=False)
            options.output.write_text(text + "\n", encoding="utf-8")
    print(f"\n{table(results['rows'])}")


def make_data(options) -> dict:
    """Tokenizer and texts of each split: the same for all rows."""
    corpus = tt.data.load("en_ko_grammar")
    splits = {
        name: joined(corpus[name], options.joined, options.seed)
        for name in ("train", "validation", "test")
    }
    return {
        "tokenizer": tt.data.Tokenizer.train(
            splits["train"], vocab_size=options.vocab_size
        ),
        **splits,
        "test": splits["test"][: options.tested],
    }


def joined(pairs, most: int, seed: int) -> list[tuple[str, str]]:
    """Texts of 1 to `most` sentences, with each number of sentences equally often."""
    order = list(pairs)
    random.Random(seed).shuffle(order)
    texts, begin = [], 0
    while begin < len(order):
        end = begin + 1 + len(texts) % most
        texts.append(tuple(map(" ".join, zip(*order[begin:end], strict=True))))
        begin = end
    return texts


def measure(model_class, sizes: dict, data: dict, options) -> dict:
    """Trains one model and scores its translations."""
    keras.utils.set_random_seed(options.seed)
    tokenizer = data["tokenizer"]
    tokens = {"batch_tokens": options.batch_tokens}
    train = tt.data.batches(
        data["train"], tokenizer, shuffle=True, seed=options.seed, **tokens
    )
    validation = tt.data.batches(data["validation"], tokenizer, **tokens)
    model = model_class(tokenizer.vocab_size, dropout_rate=0.1, **sizes)
    updates = len(train) * options.epochs
    schedule = tt.TransformerSchedule(
        model.d_model, updates // 5, peak=options.peak, total_steps=updates
    )
    model.compile(
        optimizer=tt.Adam(schedule),
        loss=tt.MaskedCrossEntropy(label_smoothing=0.1),
        metrics=[tt.Perplexity()],
    )
    started = time.process_time()  # CPU time, independent of other programs
    history = model.fit(
        train,
        validation_data=validation,
        epochs=options.epochs,
        shuffle=False,
        verbose=2,
    )
    return {
        "parameters": model.count_params(),
        "updates": int(model.optimizer.iterations),
        "cpu_seconds": round(time.process_time() - started, 1),
        "perplexity": round(history.history["val_perplexity"][-1], 3),
        **scores_by_length(tt.Translator(model, tokenizer), data["test"]),
    }


def scores_by_length(translator, texts) -> dict:
    """Scores of the whole and of its thirds by number of source tokens."""
    sources = [source for source, _ in texts]
    translations = translator(sources, beam_size=1)
    lengths = list(map(len, translator.tokenizer.encode_source(sources)))
    order = sorted(range(len(texts)), key=lambda i: lengths[i])
    cuts = [len(order) * i // len(THIRDS) for i in range(len(THIRDS) + 1)]
    parts = {"all": order}
    for i, third in enumerate(THIRDS):
        parts[third] = order[cuts[i] : cuts[i + 1]]
    return {
        part: {
            **score_translations(
                [translations[i] for i in rows], [texts[i][1] for i in rows]
            ),
            "tokens": [lengths[rows[0]], lengths[rows[-1]]],
        }
        for part, rows in parts.items()
    }


def table(rows: dict) -> str:
    """The figures as a Markdown table: exact translations in %, and BLEU."""
    any_row = next(iter(rows.values()))
    columns = ["model", "weights", "updates", "CPU time", "perplexity", "all"]
    for third in THIRDS:
        first, last = any_row[third]["tokens"]
        columns.append(f"{third} ({first} to {last} tokens)")
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1)]
    for name, row in rows.items():
        lines.append(
            [
                name,
                f"{row['parameters']:,}",
                f"{row['updates']:,}",
                f"{row['cpu_seconds']:.0f} s",
                f"{row['perplexity']:.2f}",
                *(
                    f"{row[part]['exact']:.1%}, {row[part]['bleu']:.1f}"
                    for part in ("all", *THIRDS)
                ),
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
