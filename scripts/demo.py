"""From sentence pairs to a served translator, on the built-in corpus.

    make demo
    python scripts/demo.py    # the same, in your own environment

Trains a tiny model on English-Korean sentences, scores it on unseen sentences,
translates sentences in which the Korean depends on what *it* refers to, exports a
SavedModel, and loads it in a new process that imports only TensorFlow.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tf_transformer.corpora.loading import load
from tf_transformer.export.saved_model import export_saved_model
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.evaluation import evaluate
from tf_transformer.runs.training import train

# the Korean depends on what *it* refers to; the first three are not in the corpus
SENTENCES = {
    "I am a student.": "나는 학생이다.",
    "The animal didn't cross the street because it was too tired.": (
        "그 동물은 너무 피곤해서 길을 건너지 않았다."
    ),
    "The animal didn't cross the street because it was too wide.": (
        "길이 너무 넓어서 그 동물은 길을 건너지 않았다."
    ),
    "The fox couldn't enter the cave because it was very sick.": (
        "그 여우는 아주 아파서 동굴에 들어갈 수 없었다."
    ),
    "The fox couldn't enter the cave because it was very dark.": (
        "동굴이 아주 어두워서 그 여우는 동굴에 들어갈 수 없었다."
    ),
    "The turtle won't swim in the river because it is very sleepy.": (
        "그 거북이는 아주 졸려서 강에서 헤엄치지 않을 것이다."
    ),
    "The turtle won't swim in the river because it is very deep.": (
        "강이 아주 깊어서 그 거북이는 강에서 헤엄치지 않을 것이다."
    ),
}
LEAST_EXACT = {"test": 0.95, "test_combinations": 0.90}
# the new process imports only TensorFlow
LOAD_BACK = """
import json, sys
import tensorflow as tf
translate = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
result = translate(text=tf.constant(sys.argv[2:]))
texts = [text.decode() for text in result["translation"].numpy()]
print(json.dumps(list(zip(texts, result["score"].numpy().tolist()))))
"""


def main(arguments: list[str] | None = None) -> None:
    """Trains, scores, translates and exports."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--run", default="runs/demo")
    parser.add_argument("--saved-model", default="saved_models/demo/1")
    options = parser.parse_args(arguments)
    for name in ("run", "saved_model"):
        folder = getattr(options, name)
        if folder != parser.get_default(name) and Path(folder).exists():
            parser.error(f"{folder} exists already")
        shutil.rmtree(folder, ignore_errors=True)
    started = time.monotonic()
    config = TrainingConfig(preset="tiny", vocab_size=3000, epochs=options.epochs)
    run = train(config, options.run)
    failures = score(run)
    translator = run.translator()
    failures += translate(translator)
    failures += export(run, translator, options.saved_model)
    print(f"\nEverything took {(time.monotonic() - started) / 60:.1f} minutes.")
    if failures:
        sys.exit("\n".join(failures))


def score(run) -> list[str]:
    """Prints scores on unseen sentences; returns the failures."""
    print("\nScores on unseen sentences")
    corpus = load("en_ko_grammar")
    failures = []
    for split, least in LEAST_EXACT.items():
        scores = evaluate(run, split, corpus[split])
        print(
            f"  {split}: {scores['exact']:.1%} of {scores['sentences']} exact, "
            f"BLEU {scores['bleu']} ({scores['bleu_signature']}), "
            f"chrF {scores['chrf']} ({scores['chrf_signature']})"
        )
        if scores["exact"] < least:
            failures.append(f"fewer than {least:.0%} of {split} are exact")
    return failures


def translate(translator) -> list[str]:
    """Prints the translations of `SENTENCES`; returns the failures."""
    print("\nTranslations")
    failures = []
    results = translator.nbest(list(SENTENCES))
    for (text, right), (best, *_) in zip(SENTENCES.items(), results, strict=True):
        verdict = "right" if best.text == right else f"WRONG, expected {right}"
        print(f"  {text}\n    {best.text}   (ln P = {best.score:.3f}, {verdict})")
        if best.text != right:
            failures.append(f"wrong translation: {text}")
    return failures


def export(run, translator, folder: str) -> list[str]:
    """Exports, translates with the export in a new process; returns the failures."""
    info = {"languages": ["en", "ko"], "scores": run.evaluation()}
    path = export_saved_model(translator, folder, info=info)
    print(f"\nExported to {path}; translating with it in a new process")
    failures = []
    expected = translator.nbest(list(SENTENCES))
    for (text, ln_p), (best, *_) in zip(load_back(path), expected, strict=True):
        print(f"  {text}   (ln P = {ln_p:.3f})")
        if text != best.text or abs(ln_p - best.score) > 1e-4:
            failures.append(f"the export gives {text!r} instead of {best.text!r}")
    return failures


def load_back(path: Path) -> list[tuple[str, float]]:
    """Returns translations and scores of a process that imports only TensorFlow."""
    result = subprocess.run(
        [sys.executable, "-c", LOAD_BACK, str(path), *SENTENCES],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        sys.exit(f"The new process failed:\n{result.stderr}")
    return json.loads(result.stdout)


if __name__ == "__main__":
    main()
