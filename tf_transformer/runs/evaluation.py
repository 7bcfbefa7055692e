"""Scores of a run on test sets."""

import time
import warnings
from collections.abc import Sequence

from tf_transformer.data.corpus import check_pairs
from tf_transformer.data.files import read_pairs
from tf_transformer.runs.checks import check_bleu_tokenizer
from tf_transformer.runs.config import TrainingConfig
from tf_transformer.runs.data import load_corpus
from tf_transformer.runs.directory import RunDirectory
from tf_transformer.training.quality import score_translations


def translate_or_empty(translator, texts: Sequence[str], **settings) -> list[str]:
    """Translates texts; the translation of a text that is too long is empty.

    Such sentences count as failures; leaving them out would raise the score.

    Args:
        translator: The translator.
        texts: Source sentences.
        **settings: Arguments of `SearchSettings`.
    """
    fits = translator.fits(texts)
    short_texts = [text for text, fit in zip(texts, fits, strict=True) if fit]
    if len(short_texts) < len(texts):
        warnings.warn(
            f"{len(texts) - len(short_texts)} of {len(texts)} sentences are longer "
            f"than the model's {translator.model.max_length} tokens and are not "
            "translated.",
            stacklevel=2,
        )
    translations = iter(translator(short_texts, **settings) if short_texts else [])
    return [next(translations) if fit else "" for fit in fits]


def files_to_score(source: str, target: str) -> dict[str, list[tuple[str, str]]]:
    """Reads the pairs of two files, under the source's path, without skipping lines.

    Raises:
        ValueError: If the files differ in their number of lines.
    """
    return {source: read_pairs(source, target)}


def splits_to_score(config: TrainingConfig) -> dict[str, list[tuple[str, str]]]:
    """The test splits of a run's corpus; an imported run has none.

    Raises:
        ValueError: If the run has no test split.
    """
    has_corpus = config.data is not None or config.train_source is not None
    splits = load_corpus(config).splits if has_corpus else {}
    test_splits = {name: splits[name] for name in splits if name.startswith("test")}
    test_splits = {name: pairs for name, pairs in test_splits.items() if pairs}
    if not test_splits:
        raise ValueError(
            "The run has no test split. Expected --source and --target. "
            "Received: neither"
        )
    return test_splits  # pyright: ignore


def evaluate(
    run: RunDirectory,
    name: str,
    pairs: Sequence[tuple[str, str]],
    beam_size: int = 4,
    alpha: float = 0.6,
    tokenize: str = "13a",
) -> dict:
    """Translates the sources, scores the translations, and stores the scores.

    Args:
        run: The run.
        name: Name of the test set. The scores are stored in `evaluation.json` under
            this name with the search's settings and a `tokenize` other than the
            default: "test, beam 4, alpha 0.6" or "test, beam 4, alpha 0.6, char".
        pairs: Pairs of sentences (source, target).
        beam_size: Number of hypotheses. Defaults to 4.
        alpha: Exponent of the length penalty. Defaults to 0.6.
        tokenize: sacreBLEU's tokenizer for BLEU. Defaults to "13a".

    Returns:
        The scores of `score_translations`, with search settings and seconds.

    Raises:
        ValueError: If an item of `pairs` is not a pair.
    """
    pairs = check_pairs(pairs)
    check_bleu_tokenizer(tokenize)
    translator = run.translator()
    started = time.monotonic()
    sources = [source for source, _ in pairs]
    translations = translate_or_empty(
        translator, sources, beam_size=beam_size, alpha=alpha
    )
    seconds = time.monotonic() - started
    scores = {
        **score_translations(translations, [target for _, target in pairs], tokenize),
        "beam_size": beam_size,
        "alpha": alpha,
        "seconds": round(seconds, 1),
    }
    key = f"{name}, beam {beam_size}, alpha {alpha}"
    if tokenize != "13a":
        key += f", {tokenize}"
    run.add_evaluation(key, scores)
    return scores
