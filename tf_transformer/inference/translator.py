"""Translation from text to text: a tokenizer, a model and a search."""

import dataclasses
import operator
from collections.abc import Iterable, Sequence

import numpy as np

from tf_transformer.data.encoding import check_tokenizer
from tf_transformer.ids import UNK_ID
from tf_transformer.inference.search import ScoringModel, SearchModel
from tf_transformer.inference.settings import SearchSettings, length_limit
from tf_transformer.inference.translation import TokenScore, Translation
from tf_transformer.utils.keras_compat import dtype_policies


class Translator:
    """Translates lists of strings with a trained model.

    Args:
        model: A `SequenceModel`.
        tokenizer: The `Tokenizer` that the model was trained with.
        batch_size: Sentences per batch. Defaults to 32.

    Example:

        translator = Translator(model, tokenizer)
        translator(["I am a student."], beam_size=4)   # a list of strings
    """

    def __init__(self, model, tokenizer, batch_size: int = 32):
        check_tokenizer(tokenizer)
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
        self._drop_programs()

    def __call__(
        self,
        texts: Sequence[str],
        prefixes: Sequence[str | None] | None = None,
        **settings,
    ) -> list[str]:
        """Returns the best translation of each text, in the order of the texts.

        With `sample=True`, returns the first sample.

        Args:
            texts: Source sentences. The translation of a blank text is empty.
            prefixes: See `nbest`.
            **settings: Arguments of `SearchSettings`.

        Raises:
            ValueError: If a sentence is longer than the model's `max_length`.
        """
        results = self.nbest(texts, prefixes, **settings)
        return [best.text for best, *_ in results]

    def fits(self, texts: Sequence[str]) -> list[bool]:
        """Returns whether each text is short enough for the model."""
        rows = self.tokenizer.encode_source(texts)
        return [len(row) <= self.model.max_length for row in rows]

    def nbest(
        self,
        texts: Sequence[str],
        prefixes: Sequence[str | None] | None = None,
        **settings,
    ) -> list[list[Translation]]:
        """Returns the `num_hypotheses` best translations of each text, with scores.

        With `sample=True`, returns samples in the order sampled.

        Args:
            texts: Source sentences.
            prefixes: The beginning of each translation, one per text; `None` or "" for
                none. A prefix is tokenized separately, without trailing spaces, and the
                translation may continue within its last word. Scores include its
                tokens. The translation of a blank text is empty.
            **settings: Arguments of `SearchSettings`.

        Raises:
            ValueError: If a text is longer than the model's `max_length`, or a
                prefix is as long as the length limit.
        """
        settings = SearchSettings(**settings)
        search_model = self._search_model(settings)
        rows = self._checked(self.tokenizer.encode_source(texts), "text")
        prefix_rows = self._prefix_rows(prefixes, rows, settings)
        results: list = [None] * len(rows)
        for group in self._groups([len(row) for row in rows]):
            inputs = {"source_ids": self._padded(rows, group)}
            if any(prefix_rows[i] for i in group):
                inputs["prefix_ids"] = self._padded(prefix_rows, group)
            if settings.sample:
                inputs["seeds"] = np.full(len(group), settings.seed, "int32")
            outputs = search_model.predict_on_batch(inputs)
            outputs = {name: np.asarray(array) for name, array in outputs.items()}
            for i, ids, scores in zip(
                group, outputs["token_ids"], outputs["log_probs"], strict=True
            ):
                results[i] = self._translations(ids, scores)
        return results

    def _search_model(self, settings) -> SearchModel:
        self._drop_stale_programs()
        # The seed is an input: a new seed needs no new program.
        settings = dataclasses.replace(settings, seed=0)
        if settings not in self._search_models:
            self._search_models[settings] = SearchModel(self.model, settings)
        return self._search_models[settings]

    def _drop_stale_programs(self) -> None:
        """Compiles again after `quantize`, `enable_lora` or a change of layers."""
        weights, policies = self.model.weights, dtype_policies(self.model)
        same_weights = len(weights) == len(self._weights) and all(
            map(operator.is_, weights, self._weights)
        )
        if not same_weights or policies != self._policies:
            self._drop_programs()

    def _drop_programs(self) -> None:
        self._weights = self.model.weights
        self._policies = dtype_policies(self.model)
        self._search_models = {}
        self._scoring_model = ScoringModel(self.model)

    def _prefix_rows(self, prefixes, rows, settings) -> list[list[int]]:
        if prefixes is None:
            return [[] for _ in rows]
        if isinstance(prefixes, str) or len(prefixes) != len(rows):
            is_text = isinstance(prefixes, str)
            received = "a string" if is_text else f"{len(prefixes)} prefixes"
            raise ValueError(
                "Expected a list with a prefix for each text. Received: "
                f"{len(rows)} texts, {received}"
            )
        # the next token includes its space; a blank text has an empty translation
        texts = [
            (prefix or "").rstrip(" ") if len(row) > 1 else ""
            for prefix, row in zip(prefixes, rows, strict=True)
        ]
        prefix_rows = [row[:-1] for row in self.tokenizer.encode_target(texts)]
        for number, (row, prefix) in enumerate(
            zip(rows, prefix_rows, strict=True), start=1
        ):
            if UNK_ID in prefix:
                raise ValueError(
                    "A prefix must consist of the vocabulary's pieces, since the "
                    "translation repeats it. Received: unknown characters in "
                    f"{texts[number - 1]!r}"
                )
            limit = length_limit(len(row), self.model.max_length, settings)
            if len(prefix) >= limit:
                raise ValueError(
                    "A prefix is too long for its translation. Expected fewer than "
                    f"{limit} tokens. Received: {len(prefix)} tokens in prefix number "
                    f"{number}"
                )
        return prefix_rows

    def score(self, texts: Sequence[str], translations: Sequence[str]) -> list[float]:
        """ln P(translation, end | text) of existing pairs, in nats.

        Args:
            texts: Source sentences.
            translations: Their translations, one per text.

        Raises:
            ValueError: If a text or translation is longer than the model's
                `max_length`.
        """
        _, rows = self._token_log_probs(texts, translations)
        return [sum(row) for row in rows]

    def score_tokens(
        self, texts: Sequence[str], translations: Sequence[str]
    ) -> list[list[TokenScore]]:
        """ln P of each token of existing translations, the end token included.

        The probability of a token is conditioned on the text and the previous tokens,
        so the sum over a translation is its `score`.

        Args:
            texts: Source sentences.
            translations: Their translations, one per text.

        Returns:
            For each translation, a list of `TokenScore`.

        Raises:
            ValueError: If a text or translation is longer than the model's
                `max_length`.

        Example:

            [[first, *rest]] = translator.score_tokens(["I am a student."], ["..."])
            first.piece, first.log_prob
        """
        labels, rows = self._token_log_probs(texts, translations)
        pieces = self.tokenizer.target_pieces_of(labels)
        return [
            [TokenScore(*token) for token in zip(*row, strict=True)]
            for row in zip(pieces, rows, strict=True)
        ]

    def _token_log_probs(self, texts, translations):
        if len(texts) != len(translations):
            raise ValueError(
                "There must be as many translations as texts. Received: "
                f"{len(texts)} texts, {len(translations)} translations"
            )
        self._drop_stale_programs()
        rows = self._checked(self.tokenizer.encode_source(texts), "text")
        labels = self._checked(
            self.tokenizer.encode_target(translations), "translation"
        )
        results: list = [None] * len(rows)
        for group in self._groups([len(row) for row in labels]):
            inputs = {
                "source_ids": self._padded(rows, group),
                "labels": self._padded(labels, group),
            }
            log_probs = np.asarray(self._scoring_model.predict_on_batch(inputs))
            for i, scores in zip(group, log_probs.tolist(), strict=True):
                results[i] = scores[: len(labels[i])]
        return labels, results

    def _checked(self, rows, name):
        for number, row in enumerate(rows, start=1):
            if len(row) > self.model.max_length:
                raise ValueError(
                    f"A {name} is longer than the model can read. Expected at most "
                    f"max_length={self.model.max_length} tokens, the end token "
                    f"counted. Received: {len(row)} tokens in {name} number {number}"
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
    """Rows of ids as one array, padded with 0 so that few shapes occur.

    Args:
        rows: B lists of ids.
        longest: Integer. Maximum length.
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
