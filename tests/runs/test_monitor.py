"""The metric that chooses the best epoch if BLEU is the same for all epochs."""

import pytest

from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.runs.fitting import make_parts
from tf_transformer.training.callbacks import TranslationQuality

SHORT = [("1984", "천구백팔십사"), ("11,000", "만 천"), ("3", "삼")]
LONG = [*SHORT, ("4 1 2 3 5", "사 일 이 삼 오")]


def monitor(tmp_path, pairs, **settings):
    config = TrainingConfig(**settings)
    quality = TranslationQuality(
        lambda texts: texts, pairs, tokenize=config.bleu_tokenize
    )
    parts = make_parts(config, RunDirectory(tmp_path), None, quality)
    return parts["best"].monitor


def test_chrf_chooses_if_no_reference_has_four_words(tmp_path, capsys):
    assert monitor(tmp_path, SHORT) == "chrf"
    assert "even a perfect translation has BLEU 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("pairs", "settings", "expected"),
    [
        (LONG, {}, "bleu"),
        (SHORT, {"bleu_tokenize": "char"}, "bleu"),
        (SHORT, {"monitor": "nll"}, "val_nll"),
        (SHORT, {"monitor": "chrf"}, "chrf"),
    ],
)
def test_the_chosen_metric_counts_otherwise(
    tmp_path, capsys, pairs, settings, expected
):
    assert monitor(tmp_path, pairs, **settings) == expected
    assert capsys.readouterr().out == ""
