"""Search with a model, from ids to ids, and scores of existing translations."""

import dataclasses
import math

import keras
from keras import ops

from tf_transformer.decoding import (
    beam_search,
    greedy_search,
    sampling_search,
    sentence_keys,
)
from tf_transformer.decoding.constraints import defined_log_probs, is_possible
from tf_transformer.ids import BOS_ID, PAD_ID

LARGEST_ALPHA = 10  # ((5 + n) / 6)^alpha of any length is finite in float32
SAMPLING = ("temperature", "top_k", "top_p", "seed")


@dataclasses.dataclass(frozen=True)
class SearchSettings:
    """Settings of a search.

    Args:
        beam_size: Hypotheses kept of each sentence; 1 is greedy search. Defaults
            to 4, as in the paper's section 6.1.
        alpha: Exponent of the length penalty ((5 + n) / 6)^alpha, between 0 and 10.
            Defaults to 0.6.
        num_hypotheses: Number of translations returned per sentence, best first: at
            most `beam_size`. With `sample=True` the number of samples. Defaults to 1.
        min_length: Fewest tokens, end token counted.
        max_length: Most tokens, end token counted. By default twice the source's
            tokens plus 10, and never more than the model's `max_length`.
        sample: Whether to sample from the model's distribution instead of searching
            for the best translation; `beam_size` and `alpha` then do not apply.
            Defaults to `False`.
        temperature: Log-probabilities are divided by it before sampling. Values below
            1 favour probable tokens. Defaults to 1.
        top_k: Optional integer. Sample from the k most probable tokens only.
        top_p: Optional float in (0, 1]. Sample from the smallest set of most probable
            tokens whose probabilities add up to p.
        seed: Integer. The same sentence and seed always give the same samples,
            whatever else is in the batch. Defaults to 0.

    Raises:
        ValueError: For settings that contradict each other.
    """

    beam_size: int = 4
    alpha: float = 0.6
    num_hypotheses: int = 1
    min_length: int = 0
    max_length: int | None = None
    sample: bool = False
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0

    def __post_init__(self):
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
                "num_hypotheses must lie between 1 and beam_size. Received: "
                f"num_hypotheses={self.num_hypotheses}, beam_size={self.beam_size}"
            )
        self._check_sampling()

    def _check_sampling(self):
        others = ("beam_size", "alpha") if self.sample else SAMPLING
        given = [
            f"{field.name}={getattr(self, field.name)}"
            for field in dataclasses.fields(self)
            if field.name in others and getattr(self, field.name) != field.default
        ]
        if given:
            raise ValueError(
                f"{', '.join(others)} go with sample={not self.sample}. Received: "
                f"sample={self.sample}, {', '.join(given)}"
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


def search(model, source_ids, settings: SearchSettings, prefix_ids=None, seeds=None):
    """Translates ids to ids with any `SequenceModel`.

    Args:
        model: The model.
        source_ids: Integer tensor `(B, S)`. A row that holds only the end token is an
            empty sentence; its translation is empty.
        settings: The settings of the search.
        prefix_ids: Optional integer tensor `(B, P)`: the first tokens of each
            translation, padded with 0; fewer than the length limit.
        seeds: Optional int32 tensor `(B,)` in place of `settings.seed`.

    Returns:
        Dictionary of `"token_ids"` int32 `(B, N, L)` and `"log_probs"` `(B, N)`,
        best first, or samples. A translation without a probability, because of
        logits that are not finite, is empty with the score -inf.
    """
    encoded = model.encode(source_ids, training=False)
    lengths = ops.sum(ops.cast(encoded["padding_mask"], "int32"), axis=1)
    limits = length_limit(lengths, model.max_length, settings)
    limits = ops.where(lengths > 1, limits, 0)
    max_length = length_limit(ops.shape(source_ids)[1], model.max_length, settings)
    state = model.start(encoded, max_length, settings.num_rows)
    common = {
        "min_length": min(settings.min_length, model.max_length),
        "prefix_ids": prefix_ids,
    }
    if settings.sample:
        return sampling_search(
            *(model.step, state, limits, max_length),
            keys=sentence_keys(source_ids, settings.seed if seeds is None else seeds),
            num_samples=settings.num_hypotheses,
            temperature=settings.temperature,
            top_k=settings.top_k,
            top_p=settings.top_p,
            **common,
        )
    if settings.beam_size == 1:
        return greedy_search(model.step, state, limits, max_length, **common)
    return beam_search(
        *(model.step, state, limits, max_length),
        beam_size=settings.beam_size,
        alpha=settings.alpha,
        num_hypotheses=settings.num_hypotheses,
        **common,
    )


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


class SearchModel(keras.Model):
    """A search as a Keras model, so that `predict_on_batch` compiles it.

    The input is a dictionary of the tensor arguments of `search`.
    """

    def __init__(self, model, settings: SearchSettings):
        super().__init__()
        self.model = model
        self.settings = settings
        self.built = True

    def call(self, inputs):
        return search(self.model, settings=self.settings, **inputs)


def score_ids(model, source_ids, labels):
    """ln P(labels | source_ids) of whole translations, by teacher forcing.

    Args:
        model: A `SequenceModel`.
        source_ids: Integer tensor `(B, S)`.
        labels: Integer tensor `(B, T)`: the translations, each with its end token.

    Returns:
        float32 tensor `(B,)`, in nats; -inf for what has no probability.
    """
    is_token = ops.not_equal(labels, PAD_ID)
    start = ops.full_like(labels[:, :1], BOS_ID)
    target_ids = ops.concatenate([start, labels[:, :-1]], axis=1)
    target_ids = ops.where(is_token, target_ids, PAD_ID)
    inputs = {"source_ids": source_ids, "target_ids": target_ids}
    log_probs = defined_log_probs(model(inputs, training=False))
    label_log_probs = ops.take_along_axis(log_probs, labels[..., None], axis=-1)
    scores = ops.sum(ops.where(is_token, label_log_probs[..., 0], 0.0), axis=1)
    return ops.where(is_possible(scores), scores, -float("inf"))


class ScoringModel(keras.Model):
    """`score_ids` as a Keras model, compiled like `SearchModel`."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.built = True

    def call(self, inputs):
        return score_ids(self.model, inputs["source_ids"], inputs["labels"])
