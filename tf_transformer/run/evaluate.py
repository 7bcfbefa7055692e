"""Scores of a run on test sets."""

import time
from collections.abc import Sequence

from tf_transformer.run.directory import RunDirectory
from tf_transformer.training.quality import quality


def evaluate(
    run: RunDirectory,
    name: str,
    pairs: Sequence[tuple[str, str]],
    beam_size: int = 4,
    alpha: float = 0.6,
    tokenize: str = "13a",
) -> dict:
    """Translates the sources, scores against the targets, and keeps the scores.

    Args:
        run: The run.
        name: Name of the test set, under which `evaluation.json` keeps the scores.
        pairs: (source, target) sentences.
        beam_size: Hypotheses of the search. Defaults to 4.
        alpha: Exponent of the length penalty. Defaults to 0.6.
        tokenize: sacreBLEU's tokenizer for BLEU. Defaults to "13a".

    Returns:
        The scores of `quality`, with the search's settings and the seconds it took.
    """
    translator = run.translator()
    started = time.monotonic()
    sources = [source for source, _ in pairs]
    translations = translator(sources, beam_size=beam_size, alpha=alpha)
    seconds = time.monotonic() - started
    scores = {
        **quality(translations, [target for _, target in pairs], tokenize),
        "beam_size": beam_size,
        "alpha": alpha,
        "seconds": round(seconds, 1),
    }
    run.add_evaluation(name, scores)
    return scores
