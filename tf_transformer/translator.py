"""Text in, text out: a tokenizer, a model and a search."""

import dataclasses
from collections.abc import Iterable, Sequence

import keras
import numpy as np
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


class Translator:
    """Translates lists of strings with a trained model.

    Args:
        model: A model with the doors of `Transformer`.
        tokenizer: The `Tokenizer` that the model was trained with.
        batch_size: Sentences translated at once. Defaults to 32.

    Example:

        translator = Translator(model, tokenizer)
        translator(["I am a student."], beam_size=4)   # a list of strings
    """

    def __init__(self, model, tokenizer, batch_size: int = 32):
        vocab_sizes = (model.vocab_size, model.target_vocab_size)
        expected = (tokenizer.vocab_size, tokenizer.target_vocab_size)
        if vocab_sizes != expected:
            raise ValueError(
                "The model was made for another tokenizer. Expected vocabularies of "
                f"(source, target) {expected} pieces. Received: {vocab_sizes}"
            )
        self.model = model
        self.tokenizer = tokenizer
        self.batch_size = batch_size
        self._search_models = {}
        self._scoring_model = ScoringModel(model)

    def __call__(self, texts: Sequence[str], **settings) -> list[str]:
        """The best translation of each text, in the order of the texts.

        Args:
            texts: Source sentences; a blank one has the empty translation.
            **settings: Arguments of `SearchSettings`.

        Raises:
            ValueError: If a sentence is longer than the model's `max_length`.
        """
        return [best.text for best, *_ in self.nbest(texts, **settings)]

    def fits(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text is short enough for the model."""
        rows = self.tokenizer.encode_source(texts)
        return [len(row) <= self.model.max_length for row in rows]

    def nbest(self, texts: Sequence[str], **settings) -> list[list[Translation]]:
        """The `num_hypotheses` best translations of each text, with scores.

        Args:
            texts: Source sentences.
            **settings: Arguments of `SearchSettings`.
        """
        settings = SearchSettings(**settings)
        if settings not in self._search_models:
            self._search_models[settings] = SearchModel(self.model, settings)
        search_model = self._search_models[settings]
        rows = self._checked(self.tokenizer.encode_source(texts), "text")
        results: list = [None] * len(rows)
        for group in self._groups([len(row) for row in rows]):
            found = search_model.predict_on_batch(self._padded(rows, group))
            found = {name: np.asarray(array) for name, array in found.items()}
            for i, ids, scores in zip(
                group, found["token_ids"], found["log_probs"], strict=True
            ):
                results[i] = self._translations(ids, scores)
        return results

    def score(self, texts: Sequence[str], translations: Sequence[str]) -> list[float]:
        """ln P(translation, end | text) of given pairs, in nats.

        Args:
            texts: Source sentences.
            translations: Their translations, as many.
        """
        if len(texts) != len(translations):
            raise ValueError(
                "There must be as many translations as texts. Received: "
                f"{len(texts)} texts, {len(translations)} translations"
            )
        rows = self._checked(self.tokenizer.encode_source(texts), "text")
        labels = self._checked(
            self.tokenizer.encode_target(translations), "translation"
        )
        scores = np.zeros(len(rows))
        for group in self._groups([len(row) for row in labels]):
            inputs = {
                "source_ids": self._padded(rows, group),
                "labels": self._padded(labels, group),
            }
            scores[group] = self._scoring_model.predict_on_batch(inputs)
        return scores.tolist()

    def _checked(self, rows, what):
        for number, row in enumerate(rows, start=1):
            if len(row) > self.model.max_length:
                raise ValueError(
                    f"A {what} is longer than the model can read. Expected at most "
                    f"max_length={self.model.max_length} tokens, the end token "
                    f"counted. Received: {len(row)} tokens in {what} number {number}"
                )
        return rows

    def _groups(self, lengths) -> Iterable[list[int]]:
        order = sorted(range(len(lengths)), key=lambda i: lengths[i])
        for i in range(0, len(order), self.batch_size):
            yield order[i : i + self.batch_size]

    def _padded(self, rows, group):
        return padded([rows[i] for i in group], self.model.max_length)

    def _translations(self, ids, scores):
        rows = [row[row != 0].tolist() for row in ids]
        texts = self.tokenizer.decode_target(rows)
        return [
            Translation(text, float(score), tuple(row))
            for text, score, row in zip(texts, scores, rows, strict=True)
        ]


def padded(
    rows: Sequence[Sequence[int]], longest: int, multiple: int = 8
) -> np.ndarray:
    """Rows of ids as one array, padded with 0 to few different shapes.

    Args:
        rows: B lists of ids.
        longest: What the length must not exceed.
        multiple: The length is rounded up to a multiple of this.

    Returns:
        int32 array `(B, L)`.

    Example:

    >>> padded([[5, 3], [7, 8, 9, 3]], longest=10, multiple=3).tolist()
    [[5, 3, 0, 0, 0, 0], [7, 8, 9, 3, 0, 0]]
    """
    length = -(-max(len(row) for row in rows) // multiple) * multiple
    array = np.zeros((len(rows), min(length, longest)), dtype="int32")
    for row, ids in zip(array, rows, strict=True):
        row[: len(ids)] = ids
    return array
