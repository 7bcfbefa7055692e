"""Exports models with random weights as SavedModels and for CTranslate2.

Each search generates exactly `STEPS` tokens.
"""

import random
from pathlib import Path

import keras
from work import MODELS, STEPS, VOCAB_SIZE

import tf_transformer as tt
from tf_transformer.export.ctranslate2 import export_ctranslate2

SYLLABLES = [c + v for c in "bcdfghjklmnprstvz" for v in "aeiou"]


def export(folder: Path, names, for_ctranslate2: bool) -> None:
    """Writes FOLDER/MODEL/beam-N and FOLDER/MODEL/ctranslate2, if they are missing."""
    tokenizer = make_tokenizer()
    tokenizer.save(folder)
    for name in names:
        keras.utils.set_random_seed(1)
        model = tt.Transformer(VOCAB_SIZE, max_length=128, **MODELS[name])
        translator = tt.Translator(model, tokenizer)
        for beam_size in (1, 4):
            settings = tt.SearchSettings(
                beam_size=beam_size, min_length=STEPS, max_length=STEPS
            )
            path = folder / name / f"beam-{beam_size}"
            if not path.exists():
                tt.export_saved_model(translator, path, settings)
        path = folder / name / "ctranslate2"
        if for_ctranslate2 and not path.exists():
            export_ctranslate2(translator, path)


def make_tokenizer():
    """A vocabulary with the number of pieces of the models, trained on random words."""
    made = random.Random(1)
    words = [
        "".join(made.choices(SYLLABLES, k=made.randint(1, 4))) for _ in range(20_000)
    ]
    texts = [" ".join(made.choices(words, k=12)) for _ in range(6_000)]
    tokenizer = tt.data.Tokenizer.train(zip(texts, texts, strict=True), VOCAB_SIZE)
    if tokenizer.vocab_size != VOCAB_SIZE:
        raise ValueError(f"The vocabulary has {tokenizer.vocab_size} pieces")
    return tokenizer
