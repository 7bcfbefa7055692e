"""Subword regularization: random segmentations of the training text."""

import bisect
import copy
import itertools
from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tf_transformer.data.sentencepiece_model import SentencePieceModel, load_processor
from tf_transformer.data.sentencepiece_texts import encode_texts
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.ids import EOS_ID

NBEST_SIZE = 64  # as in the paper's experiments with n-best lists
SPACE = "▁"


class Candidates(NamedTuple):
    """Segmentations of a word: all ids, their ends, cumulative probabilities."""

    ids: array
    ends: array
    cumulative: array


class SampledTokenizer:
    """Encodes each word with one of its segmentations, chosen at random.

    [Subword Regularization, Kudo 2018](https://arxiv.org/abs/1804.10959), section 3.3:
    the l best segmentations x_1, ..., x_l of a unigram model have the probabilities

        P(x_i) ^ alpha / sum_j P(x_j) ^ alpha

    alpha = 1 follows the model; a smaller alpha makes the choice more uniform.

    Differs from the paper: the list contains the 64 best segmentations of each word,
    not of the sentence; words are segmented independently. SentencePiece's own sampling
    is not used, because its results differ from process to process even with the same
    seed: a resumed training would not equal an uninterrupted one.

    Args:
        tokenizer: `Tokenizer` with unigram models.
        alpha: Float in (0, 1].

    Raises:
        ValueError: If alpha is out of range or a model is not a unigram model.

    Example:

    >>> pairs = [("moonlight sun", "moon sunlight"), ("sun moon", "light sun")] * 9
    >>> tokenizer = Tokenizer.train(pairs, vocab_size=285)
    >>> sampled = SampledTokenizer(tokenizer, alpha=0.1)
    >>> rows = sampled.seeded(1, 0).encode_target(["moonlight"] * 9)
    >>> len(set(map(tuple, rows))) > 1, set(tokenizer.decode_target(rows))
    (True, {'moonlight'})
    """

    def __init__(self, tokenizer: Tokenizer, alpha: float):
        if not 0 < alpha <= 1:
            raise ValueError(
                f"sampling_alpha must lie in (0, 1]. Received: sampling_alpha={alpha}"
            )
        self.vocab_size = tokenizer.vocab_size
        self.target_vocab_size = tokenizer.target_vocab_size
        self._source = _SideSampler(tokenizer.source_model, alpha)
        self._target = self._source
        if tokenizer.target_model is not None:
            self._target = _SideSampler(tokenizer.target_model, alpha)
        self._generator = np.random.default_rng(0)

    def seeded(self, *key: int) -> "SampledTokenizer":
        """Returns the tokenizer with random numbers that depend on the key only.

        Args:
            *key: Integers, such as the seed, the epoch and the window.
        """
        seeded = copy.copy(self)
        seeded._generator = np.random.default_rng(key)
        return seeded

    def encode_source(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the ids of each source text, with the end token."""
        return self._source.sample(texts, self._generator)

    def encode_target(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the ids of each target text, with the end token."""
        return self._target.sample(texts, self._generator)


class _SideSampler:
    def __init__(self, serialized: bytes, alpha: float):
        model = SentencePieceModel.parse(serialized)
        if model.model_type != "unigram":
            raise ValueError(
                "Segmentations are sampled by their probabilities. Expected a unigram "
                f"model, as `train` makes. Received: model_type={model.model_type}"
            )
        self._alpha = alpha
        self._processor = load_processor(serialized)
        self._pieces, self._scores = model.pieces, model.scores
        is_text = (model.NORMAL, model.USER_DEFINED)
        self._is_text = [kind in is_text for kind in model.kinds]
        self._begins_word = [piece.startswith(SPACE) for piece in model.pieces]
        self._words: dict[tuple[int, ...], Candidates] = {}

    def sample(self, texts, generator) -> list[list[int]]:
        rows = []
        for ids in encode_texts(self._processor, texts):
            words = self._split(ids[:-1])
            row = []
            for word, number in zip(words, generator.random(len(words)), strict=True):
                candidates = self._words.get(word)
                if candidates is None:
                    candidates = self._words[word] = self._candidates(word)
                chosen = bisect.bisect(candidates.cumulative, number)
                start = candidates.ends[chosen - 1] if chosen else 0
                row.extend(candidates.ids[start : candidates.ends[chosen]])
            rows.append(row + [EOS_ID])
        return rows

    def _split(self, ids) -> list[tuple[int, ...]]:
        begins_word = self._begins_word
        starts = [i for i, token_id in enumerate(ids) if i and begins_word[token_id]]
        bounds = [0, *starts, len(ids)] if ids else [0]
        return [
            tuple(ids[start:end])
            for start, end in zip(bounds[:-1], bounds[1:], strict=True)
        ]

    def _candidates(self, word: tuple[int, ...]) -> Candidates:
        """Returns the best segmentations of a word that decode to the same text."""
        surface = self._joined(word)
        nbest = []
        if all(self._is_text[token_id] for token_id in word):  # no bytes, no unknown
            text = surface.removeprefix(SPACE)
            if text:
                nbest = self._processor.nbest_encode(text, nbest_size=NBEST_SIZE)
        nbest = [ids for ids in nbest if self._joined(ids) == surface]
        if not nbest:
            return Candidates(array("i", word), array("i", [len(word)]), array("d"))
        scores = np.array([sum(self._scores[i] for i in ids) for ids in nbest])
        weights = np.exp(self._alpha * (scores - scores.max()))
        return Candidates(
            array("i", itertools.chain(*nbest)),
            array("i", itertools.accumulate(map(len, nbest))),
            array("d", np.cumsum(weights / weights.sum())[:-1]),
        )

    def _joined(self, ids) -> str:
        return "".join(self._pieces[token_id] for token_id in ids)
