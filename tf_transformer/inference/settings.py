"""Settings of a search and the length limit that follows from them."""

import dataclasses
import math
import numbers

from keras import ops

LARGEST_ALPHA = 10  # ((5 + n) / 6)^alpha of any length is finite in float32
INTEGERS = (
    *("beam_size", "num_hypotheses", "min_length", "max_length"),
    *("no_repeat_ngram_size", "top_k", "seed"),
)
SAMPLING = ("temperature", "top_k", "top_p", "seed")


@dataclasses.dataclass(frozen=True)
class SearchSettings:
    """Settings of a search.

    Args:
        beam_size: Number of hypotheses per sentence; 1 is greedy search. Defaults
            to 4, as in the paper's section 6.1.
        alpha: Exponent of the length penalty ((5 + n) / 6)^alpha, between 0 and 10.
            Defaults to 0.6.
        num_hypotheses: Number of translations returned per sentence, best first: at
            most `beam_size`. With `sample=True` the number of samples. Defaults to 1.
        min_length: Minimum number of tokens, end token counted.
        max_length: Maximum number of tokens, end token counted. By default, twice the
            source's tokens plus 10. Never more than the model's `max_length`.
        no_repeat_ngram_size: Integer n: a translation contains no sequence of n tokens
            twice, unless a prefix does. 0, the default, allows repetition.
        repetition_penalty: Float above 0. Positive logits of tokens that a
            translation already contains are divided by it, negative ones multiplied
            ([CTRL](https://arxiv.org/abs/1909.05858)). Above 1, it
            discourages repetition. Reported scores are not changed. Defaults to 1.
        sample: Whether to sample from the model's distribution instead of searching
            for the best translation; `beam_size` and `alpha` are then not used.
            Defaults to `False`.
        temperature: Log-probabilities are divided by it before sampling. Values below
            1 favour probable tokens. Defaults to 1.
        top_k: Optional integer. Sample from the k most probable tokens only.
        top_p: Optional float in (0, 1]. Sample from the smallest set of most probable
            tokens whose probabilities add up to p.
        seed: Integer. The same sentence and seed always give the same samples,
            in any batch. Defaults to 0.

    Raises:
        ValueError: For settings that contradict each other.
    """

    beam_size: int = 4
    alpha: float = 0.6
    num_hypotheses: int = 1
    min_length: int = 0
    max_length: int | None = None
    no_repeat_ngram_size: int = 0
    repetition_penalty: float = 1.0
    sample: bool = False
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0

    def __post_init__(self):
        for name in INTEGERS:
            value = getattr(self, name)
            if value is not None and not isinstance(value, numbers.Integral):
                raise ValueError(f"{name} must be an integer. Received: {value!r}")
        if self.min_length < 0:
            raise ValueError(
                f"min_length must not be negative. Received: {self.min_length}"
            )
        if self.max_length is not None and self.max_length < max(1, self.min_length):
            raise ValueError(
                "max_length must be at least 1 and at least min_length. Received: "
                f"max_length={self.max_length}, min_length={self.min_length}"
            )
        if self.beam_size < 1:
            raise ValueError(
                f"beam_size must be at least 1. Received: beam_size={self.beam_size}"
            )
        if not 0 <= self.alpha <= LARGEST_ALPHA:
            raise ValueError(
                f"alpha must lie between 0 and {LARGEST_ALPHA}. Received: "
                f"alpha={self.alpha}"
            )
        most = math.inf if self.sample else self.beam_size
        if not 1 <= self.num_hypotheses <= most:
            raise ValueError(
                "num_hypotheses (--nbest) must lie between 1 and beam_size. Received: "
                f"num_hypotheses={self.num_hypotheses}, beam_size={self.beam_size}"
            )
        if self.no_repeat_ngram_size < 0:
            raise ValueError(
                "no_repeat_ngram_size must not be negative. Received: "
                f"no_repeat_ngram_size={self.no_repeat_ngram_size}"
            )
        if not 0 < self.repetition_penalty < math.inf:
            raise ValueError(
                "repetition_penalty must be above 0. Received: "
                f"repetition_penalty={self.repetition_penalty}"
            )
        self._check_sampling()

    def _check_sampling(self):
        other_settings = ("beam_size", "alpha") if self.sample else SAMPLING
        not_allowed = [
            f"{field.name}={getattr(self, field.name)}"
            for field in dataclasses.fields(self)
            if field.name in other_settings
            and getattr(self, field.name) != field.default
        ]
        if not_allowed:
            raise ValueError(
                f"{', '.join(other_settings)} go with sample={not self.sample}. "
                f"Received: sample={self.sample}, {', '.join(not_allowed)}"
            )
        if not 0 < self.temperature < math.inf:
            raise ValueError(
                f"temperature must be above 0. Received: {self.temperature}"
            )
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k must be at least 1. Received: {self.top_k}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must lie in (0, 1]. Received: {self.top_p}")
        if not -(2**31) <= self.seed < 2**31:
            raise ValueError(f"seed must fit 32 bits. Received: {self.seed}")

    @property
    def num_rows(self) -> int:
        """Number of hypotheses per sentence during the search."""
        return self.num_hypotheses if self.sample else self.beam_size


def length_limit(source_length, model_max_length, settings: SearchSettings):
    """Maximum number of tokens of a translation, end token counted.

    Args:
        source_length: Number of source tokens, end token counted: an integer or an
            integer tensor.
        model_max_length: Integer. The model's `max_length`.
        settings: The settings of the search.

    Returns:
        An integer or a tensor, like `source_length`.

    Example:

    >>> length_limit(7, 512, SearchSettings())
    24
    """
    # Python integers stay Python integers: JAX needs static shapes.
    number = isinstance(source_length, int)
    smaller, larger = (min, max) if number else (ops.minimum, ops.maximum)
    if settings.max_length is None:
        longest = smaller(2 * source_length + 10, model_max_length)
    else:
        longest = source_length * 0 + min(settings.max_length, model_max_length)
    return larger(longest, min(settings.min_length, model_max_length))
