"""A translator with the models of several runs."""

from collections.abc import Sequence

from tf_transformer.inference.translator import Translator
from tf_transformer.models.ensemble import Ensemble
from tf_transformer.runs.directory import RunDirectory


def ensemble_translator(
    runs: Sequence[RunDirectory], batch_size: int = 32, dtype: str | None = None
) -> Translator:
    """A translator with the mean of the probabilities of several runs.

    Args:
        runs: Runs with the same tokenizer, such as those of several seeds.
        batch_size: Sentences translated at once. Defaults to 32.
        dtype: See `RunDirectory.translator`.

    Returns:
        A translator; for one run, that of the run.

    Raises:
        ValueError: If the tokenizers differ, or a run cannot be loaded.
    """
    first, *others = translators = [run.translator(batch_size, dtype) for run in runs]
    for run, other in zip(runs[1:], others, strict=True):
        if _models(other.tokenizer) != _models(first.tokenizer):
            raise ValueError(
                "The runs of an ensemble need the same tokenizer. Expected that of "
                f"{runs[0].path}. Received: {run.path}, whose tokenizer differs"
            )
    if not others:
        return first
    ensemble = Ensemble([each.model for each in translators])
    return Translator(ensemble, first.tokenizer, batch_size)


def _models(tokenizer):
    return tokenizer.source_model, tokenizer.target_model
