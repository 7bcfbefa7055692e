"""BLEU and chrF of translations, and the p-value of a difference in BLEU."""

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest


def scores_of(texts: list[str], references: list[str], others=None) -> dict:
    """Cased and lower-cased BLEU and chrF of detokenized text, signatures, and p."""
    metrics = {"bleu": BLEU(), "chrf": CHRF(), "bleu_lowercase": BLEU(lowercase=True)}
    p = None if others is None else round(p_value(texts, references, others), 3)
    scores: dict = {"p": p}
    for name, metric in metrics.items():
        scores[name] = round(metric.corpus_score(texts, [references]).score, 2)
        scores[f"{name}_signature"] = str(metric.get_signature())
    return scores


def p_value(texts, references, others, num_samples: int = 1000) -> float:
    """The p of BLEU in sacreBLEU's paired bootstrap test against other translations."""
    _, results = PairedTest(
        [("baseline", others), ("recipe", texts)],
        {"BLEU": BLEU(references=[references])},
        None,
        test_type="bs",
        n_samples=num_samples,
    )()
    return results["BLEU"][1].p_value  # pyright: ignore
