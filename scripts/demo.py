"""From sentence pairs to a served translator, on the built-in corpus.

    make demo        or        python scripts/demo.py

Trains a tiny model on English-Korean sentences, scores it on sentences that it has
not seen, translates the sentences of the paper's discussion, exports a SavedModel and
loads that back in a fresh process which knows nothing of this package.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tf_transformer.data.corpus import load
from tf_transformer.export.saved_model import export_saved_model
from tf_transformer.run.allocator import keep_freed_memory
from tf_transformer.run.config import TrainingConfig
from tf_transformer.run.evaluate import evaluate
from tf_transformer.run.train import train

SENTENCES = [
    "I am a student.",
    "The animal didn't cross the street because it was too tired.",
    "The animal didn't cross the street because it was too wide.",
    "The fox couldn't enter the cave because it was very sick.",
    "The fox couldn't enter the cave because it was very dark.",
    "The turtle won't swim in the river because it is very sleepy.",
    "The turtle won't swim in the river because it is very deep.",
]
# the fresh process: TensorFlow and nothing else
LOAD_BACK = """
import sys
import tensorflow as tf
translate = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
result = translate(text=tf.constant(sys.argv[2:]))
for text, score in zip(result["translation"].numpy(), result["score"].numpy()):
    print(f"{text.decode()}\\t{score:.4f}")
"""


def main(arguments: list[str] | None = None) -> None:
    """Runs the whole way once, from the beginning."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--run", default="runs/demo")
    parser.add_argument("--saved-model", default="saved_models/en_ko/1")
    options = parser.parse_args(arguments)
    for folder in (options.run, options.saved_model):
        shutil.rmtree(folder, ignore_errors=True)
    started = time.monotonic()
    keep_freed_memory()
    config = TrainingConfig(
        data="en_ko_grammar", preset="tiny", vocab_size=3000, epochs=options.epochs
    )
    run = train(config, options.run)

    print("\nScores on sentences that were not in training")
    corpus = load("en_ko_grammar")
    for split in ("test", "test_combinations"):
        scores = evaluate(run, split, corpus[split])
        print(
            f"  {split}: {scores['exact']:.1%} of {scores['sentences']} exact, "
            f"BLEU {scores['bleu']} ({scores['bleu_signature']}), "
            f"chrF {scores['chrf']} ({scores['chrf_signature']})"
        )

    translator = run.translator()
    print("\nTranslations")
    translations = [best for best, *_ in translator.nbest(SENTENCES)]
    for text, best in zip(SENTENCES, translations, strict=True):
        print(f"  {text}\n    {best.text}   (ln P = {best.score:.3f})")

    path = export_saved_model(
        translator, options.saved_model, info={"scores": run.evaluation()}
    )
    print(f"\nExported to {path}; translating with it in a fresh process")
    found = load_back(path)
    for text, score in found:
        print(f"  {text}   (ln P = {score:.3f})")
    same = all(
        text == best.text and abs(score - best.score) < 1e-4
        for (text, score), best in zip(found, translations, strict=True)
    )
    print(f"\n{'The same' if same else 'NOT THE SAME'} translations and scores.")
    print(f"Everything took {(time.monotonic() - started) / 60:.1f} minutes.")
    if not same:
        sys.exit(1)


def load_back(path: Path) -> list[tuple[str, float]]:
    """Translations and scores of a process that imports only TensorFlow."""
    result = subprocess.run(
        [sys.executable, "-c", LOAD_BACK, str(path), *SENTENCES],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    return [(text, float(score)) for text, score in lines]


if __name__ == "__main__":
    main()
