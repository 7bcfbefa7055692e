"""The highest scores that are possible with a tokenizer."""

import dataclasses
from collections.abc import Sequence

from sacrebleu.metrics.bleu import BLEU


@dataclasses.dataclass(frozen=True)
class ReferenceCeiling:
    """The references that a tokenizer changes, so that no model can produce them.

    Attributes:
        num_references: Number of references.
        num_changed: Number of references that decode(encode(text)) changes.
        first: The first changed reference, before and after the tokenizer.
        bleu: BLEU of all decoded references against the references.
        exact: Share of references that stay unchanged, 0 to 1.
    """

    num_references: int
    num_changed: int
    first: tuple[str, str]
    bleu: float
    exact: float

    @property
    def message(self) -> str:
        """The figures as one line of text."""
        reference, decoded = self.first
        return (
            f"The tokenizer changes {self.num_changed:,} of {self.num_references:,} "
            f"validation references, the first {reference!r} to {decoded!r}: no model "
            f"can score above BLEU {self.bleu:.2f} and {self.exact:.1%} exact."
        )


def reference_ceiling(
    tokenizer, references: Sequence[str], tokenize: str = "13a"
) -> ReferenceCeiling | None:
    """Finds the references that the tokenizer changes.

    Args:
        tokenizer: `Tokenizer`, or an object with its `encode_target` and
            `decode_target`.
        references: Reference translations.
        tokenize: sacreBLEU's tokenizer for BLEU. Defaults to "13a".

    Returns:
        A `ReferenceCeiling`, or `None` if no reference is changed.

    Example:

    >>> import tf_transformer as tt
    >>> tokenizer = tt.data.Tokenizer.train(
    ...     [("a", "b！")], vocab_size=300, target_normalization="nfkc"
    ... )
    >>> ceiling = reference_ceiling(tokenizer, ["b", "b！", "b b b b"])
    >>> ceiling.num_changed, ceiling.first
    (1, ('b！', 'b!'))
    """
    decoded = tokenizer.decode_target(tokenizer.encode_target(references))
    changed = [
        pair for pair in zip(references, decoded, strict=True) if pair[0] != pair[1]
    ]
    if not changed:
        return None
    bleu = BLEU(tokenize=tokenize)
    return ReferenceCeiling(
        num_references=len(references),
        num_changed=len(changed),
        first=changed[0],
        bleu=round(bleu.corpus_score(decoded, [references]).score, 2),
        exact=1 - len(changed) / len(references),
    )
