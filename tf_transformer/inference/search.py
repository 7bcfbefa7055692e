"""Search with a model, from ids to ids, and scores of existing translations."""

import keras
from keras import ops

from tf_transformer.data.shift import shift_right
from tf_transformer.decoding import (
    beam_search,
    greedy_search,
    sampling_search,
    sentence_keys,
)
from tf_transformer.decoding.distribution import defined_log_probs, is_possible
from tf_transformer.ids import PAD_ID
from tf_transformer.inference.settings import SearchSettings, length_limit


def search(model, source_ids, settings: SearchSettings, prefix_ids=None, seeds=None):
    """Translates ids to ids with any `SequenceModel`.

    Args:
        model: The model.
        source_ids: Integer tensor `(B, S)`. A row with only the end token is an empty
            sentence; its translation is empty.
        settings: The settings of the search.
        prefix_ids: Optional integer tensor `(B, P)`: the first tokens of each
            translation, padded with 0. There must be fewer than the length limit.
        seeds: Optional int32 tensor `(B,)` in place of `settings.seed`.

    Returns:
        Dictionary of `"token_ids"` int32 `(B, N, L)` and `"log_probs"` `(B, N)`,
        best first, or samples. If a translation has no probability because logits are
        not finite, it is empty and its score is -inf.
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
        "no_repeat_ngram_size": settings.no_repeat_ngram_size,
        "repetition_penalty": settings.repetition_penalty,
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


def token_log_probs(model, source_ids, labels):
    """ln P of each token of existing translations, by teacher forcing.

    Args:
        model: A `SequenceModel`.
        source_ids: Integer tensor `(B, S)`.
        labels: Integer tensor `(B, T)`: the translations, each with its end token.

    Returns:
        float32 tensor `(B, T)`, in nats: 0 for padding, -inf for a token without a
        probability. A blank translation of a blank text, which search returns, has 0.
    """
    is_token = ops.not_equal(labels, PAD_ID)
    is_blank = ops.logical_and(_is_blank(source_ids), _is_blank(labels))
    inputs = {"source_ids": source_ids, "target_ids": shift_right(labels)}
    log_probs = defined_log_probs(model(inputs, training=False))
    log_probs = ops.take_along_axis(log_probs, labels[..., None], axis=-1)[..., 0]
    log_probs = ops.where(is_possible(log_probs), log_probs, -float("inf"))
    is_token = ops.logical_and(is_token, ops.logical_not(is_blank)[:, None])
    return ops.where(is_token, log_probs, 0.0)


def _is_blank(ids):
    """Whether each row has at most one token, its end."""
    return ops.sum(ops.cast(ops.not_equal(ids, PAD_ID), "int32"), axis=1) <= 1


def score_ids(model, source_ids, labels):
    """ln P(labels | source_ids) of whole translations, by teacher forcing.

    Args:
        model: A `SequenceModel`.
        source_ids: Integer tensor `(B, S)`.
        labels: Integer tensor `(B, T)`: the translations, each with its end token.

    Returns:
        float32 tensor `(B,)`, in nats; -inf for a translation without a probability.
    """
    return ops.sum(token_log_probs(model, source_ids, labels), axis=1)


class ScoringModel(keras.Model):
    """`token_log_probs` as a Keras model, compiled like `SearchModel`."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.built = True

    def call(self, inputs):
        return token_log_probs(self.model, inputs["source_ids"], inputs["labels"])
