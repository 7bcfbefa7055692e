"""Translations are scored with the search settings of an evaluation."""

import math
from types import SimpleNamespace

import pytest

from tf_transformer.runs.evaluation import evaluate, translate_or_empty


class Translator:
    """Reads one or two characters only, and translates with `translate`."""

    model = SimpleNamespace(max_length=2)

    def __init__(self, translate=str.upper):
        self.translate = translate
        self.settings = []

    def fits(self, texts):
        return [len(text) < 3 for text in texts]

    def __call__(self, texts, **settings):
        self.settings.append(settings)
        return [self.translate(text) for text in texts]


def test_the_empty_translation_is_that_of_the_long_text():
    with pytest.warns(UserWarning, match="2 of 4 sentences"):
        found = translate_or_empty(Translator(), ["a", "long", "b", "longer"])
    assert found == ["A", "", "B", ""]


def test_evaluation_scores_translations_with_its_settings():
    translator = Translator(lambda text: "one two three four")
    kept = {}
    run = SimpleNamespace(
        translator=lambda: translator, add_evaluation=kept.__setitem__
    )
    pairs = [("a", "one two three four five six")]
    scores = evaluate(run, "test", pairs, beam_size=3, alpha=0.2)
    assert translator.settings == [{"beam_size": 3, "alpha": 0.2}]
    # all n-grams are right; 4 words instead of 6
    assert scores["bleu"] == pytest.approx(100 * math.exp(1 - 6 / 4), abs=0.01)
    assert kept == {"test, beam 3, alpha 0.2": scores}
