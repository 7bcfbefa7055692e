"""Toy models for searches, and simple reference searches.

Tokens are 0 padding, 1, 2 start, 3 end, 4 and 5; padding and start are never written,
so 4 tokens are of use.
"""

import math

import numpy as np
import pytest
from keras import ops

from tests.backend import BACKEND

VOCAB, END = 6, 3
USABLE = (1, 3, 4, 5)
_NUM_CODES = 4099

looks_inside_the_loop = pytest.mark.skipif(
    BACKEND == "jax",
    reason="JAX traces a loop once: its steps cannot be counted or read by NumPy",
)


class PrefixModel:
    """Log-probabilities that depend on the sentence and on every token before.

    The prefix is in the state of the hypothesis, as one number: a search that does
    not carry the state along with its hypothesis goes wrong at once.
    """

    def __init__(self, num_sentences, seed, scale=2.0):
        random = np.random.default_rng(seed)
        shape = (num_sentences, _NUM_CODES, VOCAB)
        self.logits = random.normal(scale=scale, size=shape).astype("float32")
        self.num_calls = 0

    def start(self, beam_size=1, sentences=None):
        rows = self.logits if sentences is None else self.logits[sentences]
        codes = np.zeros(len(rows) * beam_size, "int32")
        return {
            "sentence": {"logits": ops.convert_to_tensor(rows)},
            "hypothesis": {"codes": ops.convert_to_tensor(codes)},
        }

    def step(self, token_ids, state):
        self.num_calls += 1
        logits = state["sentence"]["logits"]
        codes = (state["hypothesis"]["codes"] * 7 + token_ids + 1) % _NUM_CODES
        beam_size = codes.shape[0] // logits.shape[0]
        rows = ops.arange(codes.shape[0]) // beam_size * _NUM_CODES + codes
        found = ops.take(ops.reshape(logits, (-1, VOCAB)), rows, axis=0)
        return found, {**state, "hypothesis": {"codes": codes}}

    def log_probs(self, sentence, prefix):
        """ln P of each next token in float64; `prefix` without the start token."""
        code = 0
        for token in (2, *prefix):
            code = (code * 7 + token + 1) % _NUM_CODES
        logits = self.logits[sentence, code].astype("float64")
        return logits - math.log(np.exp(logits).sum())

    def score(self, sentence, ids):
        """ln P of all tokens, one after the other."""
        return sum(self.log_probs(sentence, ids[:i])[ids[i]] for i in range(len(ids)))


def rank(score, ids, alpha):
    return score / ((5 + len(ids)) / 6) ** alpha


def continuations(model, sentence, prefix, limit, min_length=0, forced=()):
    """What may follow a prefix, with its log-probability."""
    length = len(prefix) + 1
    log_probs = model.log_probs(sentence, prefix)
    for token in forced[length - 1 : length] or USABLE:
        too_early = token == END and length < min_length
        too_late = token != END and length >= limit
        if not too_early and not too_late:
            yield (*prefix, token), log_probs[token]


def every_sentence(model, sentence, limit, alpha, min_length=0, forced=()):
    """All that can be written, best first: lists of (score, ids)."""
    allowed = {"limit": limit, "min_length": min_length, "forced": forced}
    found, going_on = [], [()]
    while going_on:
        prefix = going_on.pop()
        for ids, _ in continuations(model, sentence, prefix, **allowed):
            if ids[-1] == END:
                found.append((model.score(sentence, ids), ids))
            else:
                going_on.append(ids)
    return sorted(found, key=lambda one: -rank(*one, alpha))


def plain_beam_search(model, sentence, limit, beam_size, alpha):
    """Beam search as a few lines about lists: (score, ids), best first."""
    beams = [(0.0, ())]
    while any(ids[-1:] != (END,) for _, ids in beams):
        candidates = []
        for score, ids in beams:
            if ids[-1:] == (END,):
                candidates.append((score, ids))
                continue
            for longer, log_prob in continuations(model, sentence, ids, limit):
                candidates.append((score + log_prob, longer))
        candidates.sort(key=lambda one: -rank(*one, alpha))
        beams = candidates[:beam_size]
    return beams


def tree_step(tree):
    """A step over a tree: `tree[prefix]` are the probabilities of ids 0 to 5.

    The state is the prefix itself, written out.
    """

    def step(token_ids, state):
        history = ops.convert_to_numpy(state["hypothesis"]["history"])
        token_ids = ops.convert_to_numpy(token_ids)
        history = np.concatenate([history, token_ids[:, None]], axis=1)
        anything = np.full(VOCAB, 1 / VOCAB)
        rows = [tree.get(tuple(row[1:].tolist()), anything) for row in history]
        logits = np.log(np.maximum(np.array(rows, "float32"), 1e-30))
        return ops.convert_to_tensor(logits), {"hypothesis": {"history": history}}

    return step


def tree_start(num_hypotheses):
    return {"hypothesis": {"history": np.zeros((num_hypotheses, 0), "int32")}}


def found(result):
    """Results of a search as, per sentence, lists of (score, ids without padding)."""
    token_ids, log_probs = (
        ops.convert_to_numpy(result[name]) for name in ("token_ids", "log_probs")
    )
    return [
        [
            (float(score), tuple(row[row != 0].tolist()))
            for row, score in zip(rows, scores, strict=True)
        ]
        for rows, scores in zip(token_ids, log_probs, strict=True)
    ]
