"""The results of a `Translator`: translations and tokens with their scores."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Translation:
    """A translation and its score.

    Args:
        text: The translation.
        score: Natural log of P(tokens, end | source), without length penalty.
        token_ids: The tokens, end token included.
    """

    text: str
    score: float
    token_ids: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class TokenScore:
    """A token of an existing translation and its score.

    Args:
        piece: The token as text, spelled as in the vocabulary.
        log_prob: Natural log of P(token | source, previous tokens).
    """

    piece: str
    log_prob: float
