"""From ids to ids: a search with a model, and the score of given translations."""

import dataclasses

import keras
from keras import ops

from tf_transformer.decoding import beam_search, greedy_search
from tf_transformer.ids import BOS_ID, PAD_ID


@dataclasses.dataclass(frozen=True)
class SearchSettings:
    """How translations are searched for.

    Args:
        beam_size: Hypotheses kept of each sentence; 1 is greedy search. Defaults
            to 4, as in the paper's section 6.1.
        alpha: Exponent of the length penalty ((5 + n) / 6)^alpha. Defaults to 0.6.
        num_hypotheses: Translations returned for each sentence, at most `beam_size`.
        min_length: Fewest tokens, end token counted.
        max_length: Most tokens, end token counted. By default twice the source's
            tokens plus 10, and never more than the model's `max_length`.
    """

    beam_size: int = 4
    alpha: float = 0.6
    num_hypotheses: int = 1
    min_length: int = 0
    max_length: int | None = None

    def __post_init__(self):
        if self.beam_size < 1:
            raise ValueError(
                f"beam_size must be at least 1. Received: beam_size={self.beam_size}"
            )
        if not 1 <= self.num_hypotheses <= self.beam_size:
            raise ValueError(
                "num_hypotheses must lie between 1 and beam_size. Received: "
                f"num_hypotheses={self.num_hypotheses}, beam_size={self.beam_size}"
            )
        if self.alpha < 0:
            raise ValueError(f"alpha must not be negative. Received: {self.alpha}")
        if self.max_length is not None and self.max_length < max(1, self.min_length):
            raise ValueError(
                "max_length must be at least 1 and at least min_length. Received: "
                f"max_length={self.max_length}, min_length={self.min_length}"
            )


def search(model, source_ids, settings: SearchSettings):
    """Translates ids to ids with any model that has the doors of `Transformer`.

    Args:
        model: The model.
        source_ids: Integer tensor `(B, S)`; a row of one token (the end) is empty.
        settings: The search's settings.

    Returns:
        Dictionary of `"token_ids"` int32 `(B, N, L)` and `"log_probs"` `(B, N)`,
        best first.
    """
    shortest = min(settings.min_length, model.max_length)
    settings = dataclasses.replace(settings, min_length=shortest)
    encoded = model.encode(source_ids, training=False)
    lengths = ops.sum(ops.cast(encoded["padding_mask"], "int32"), axis=1)
    limits = _longest(lengths, model.max_length, settings)
    limits = ops.where(lengths > 1, limits, 0)
    max_length = _longest(ops.shape(source_ids)[1], model.max_length, settings)
    state = model.start(encoded, max_length, settings.beam_size)
    arguments = (model.step, state, limits, max_length)
    if settings.beam_size == 1:
        return greedy_search(*arguments, min_length=settings.min_length)
    return beam_search(
        *arguments,
        beam_size=settings.beam_size,
        alpha=settings.alpha,
        min_length=settings.min_length,
        num_hypotheses=settings.num_hypotheses,
    )


def _longest(source_length, model_max_length, settings):
    # Python numbers stay Python numbers: other backends need fixed shapes
    number = isinstance(source_length, int)
    smaller, larger = (min, max) if number else (ops.minimum, ops.maximum)
    if settings.max_length is None:
        longest = smaller(2 * source_length + 10, model_max_length)
    else:
        longest = source_length * 0 + min(settings.max_length, model_max_length)
    return larger(longest, settings.min_length)


class SearchModel(keras.Model):
    """A search as a Keras model, so that `predict_on_batch` compiles it."""

    def __init__(self, model, settings: SearchSettings):
        super().__init__()
        self.model = model
        self.settings = settings
        self.built = True

    def call(self, source_ids):
        return search(self.model, source_ids, self.settings)


def score_ids(model, source_ids, labels):
    """ln P(labels | source_ids) of whole translations, by teacher forcing.

    Args:
        model: A model with the doors of `Transformer`.
        source_ids: Integer tensor `(B, S)`.
        labels: Integer tensor `(B, T)`: the translations, each with its end token.

    Returns:
        float32 tensor `(B,)`, in nats.
    """
    is_token = ops.not_equal(labels, PAD_ID)
    start = ops.full_like(labels[:, :1], BOS_ID)
    target_ids = ops.concatenate([start, labels[:, :-1]], axis=1)
    target_ids = ops.where(is_token, target_ids, PAD_ID)
    inputs = {"source_ids": source_ids, "target_ids": target_ids}
    log_probs = ops.log_softmax(model(inputs, training=False), axis=-1)
    of_labels = ops.take_along_axis(log_probs, labels[..., None], axis=-1)[..., 0]
    return ops.sum(ops.where(is_token, of_labels, 0.0), axis=1)


class ScoringModel(keras.Model):
    """`score_ids` as a Keras model, compiled like `SearchModel`."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.built = True

    def call(self, inputs):
        return score_ids(self.model, inputs["source_ids"], inputs["labels"])
