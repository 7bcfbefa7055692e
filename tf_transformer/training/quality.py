"""Corpus scores of sacreBLEU, with their signatures."""

from collections.abc import Sequence


def score_translations(
    hypotheses: Sequence[str], references: Sequence[str], tokenize: str = "13a"
) -> dict:
    """BLEU, chrF and the share of exact translations.

    Args:
        hypotheses: Translations, detokenized.
        references: References, one per translation.
        tokenize: sacreBLEU's tokenizer for BLEU: "13a", "char", "intl", "zh", ...

    Returns:
        Dictionary of "bleu" and "chrf" (0 to 100), "exact" (0 to 1), "sentences",
        "bleu_signature" and "chrf_signature".

    Raises:
        ValueError: If the numbers of sentences differ or are 0.

    Example:

    >>> texts = ["the cat sat on the mat"]
    >>> score_translations(texts, texts)["bleu"]
    100.0
    """
    if len(hypotheses) != len(references) or not hypotheses:
        raise ValueError(
            "There must be one reference for each translation, and at least one. "
            f"Received: {len(hypotheses)} translations, {len(references)} references"
        )
    from sacrebleu.metrics import BLEU, CHRF  # slow, and not needed by losses

    bleu, chrf = BLEU(tokenize=tokenize), CHRF()
    exact = sum(map(str.__eq__, hypotheses, references)) / len(references)
    return {
        "bleu": round(bleu.corpus_score(hypotheses, [references]).score, 2),
        "chrf": round(chrf.corpus_score(hypotheses, [references]).score, 2),
        "exact": round(exact, 4),
        "sentences": len(references),
        "bleu_signature": str(bleu.get_signature()),
        "chrf_signature": str(chrf.get_signature()),
    }
