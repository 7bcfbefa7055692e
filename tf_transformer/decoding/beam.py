"""Beam search (section 6.1): keeps several hypotheses of each sentence."""

import keras
from keras import ops

from tf_transformer.decoding.constraints import (
    TokenRules,
    length_penalty,
    sentence_limits,
)
from tf_transformer.decoding.distribution import IMPOSSIBLE, is_possible
from tf_transformer.decoding.gather import gather
from tf_transformer.decoding.top_k import top_k_indices
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID


def beam_search(
    step,
    state,
    limits,
    max_length,
    beam_size,
    alpha=0.6,
    min_length=0,
    num_hypotheses=1,
    prefix_ids=None,
    no_repeat_ngram_size=0,
    repetition_penalty=1.0,
):
    """Keeps the K best hypotheses of each of B sentences at every step.

    Section 6.1 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762).
    Hypotheses are ranked by ln P(tokens) / ((5 + n) / 6)^alpha, n counting the end
    token. A finished hypothesis keeps its score and stays in the beam until better
    ones replace it. With K = 1 this is greedy search.

    The search needs only the function `step`, not the model. The state is a dictionary.
    Its entry `"hypothesis"` contains tensors of B * K rows, which are reordered with
    the hypotheses; the other entries are not changed. The search stops when, for every
    sentence, no unfinished hypothesis can still beat the best `num_hypotheses`
    finished ones.

    Args:
        step: Function `(token_ids (B * K,), state) -> (logits (B * K, V), state)`.
            Its first token ids are 2, the begin token. Id 3 ends a sentence; 0
            (padding) and 2 are never chosen (`tf_transformer.ids`).
        state: State before the first token.
        limits: Integer tensor `(B,)`: maximum number of tokens of each sentence, end
            token counted; 0 for an empty translation.
        max_length: Integer or scalar tensor L; larger limits are lowered to it.
        beam_size: Integer K.
        alpha: Float. Exponent of the length penalty; 0 for none. Defaults to 0.6.
        min_length: Integer: minimum number of tokens, end token counted.
        num_hypotheses: Integer N up to K: how many to return. Defaults to 1.
        prefix_ids: Optional integer tensor `(B, P)`: the first tokens of each
            translation, padded with 0.
        no_repeat_ngram_size: Integer n: no n-gram may occur twice in a translation; 0
            for no limit. Defaults to 0.
        repetition_penalty: Float above 0. Above 1, it discourages tokens that the
            translation already contains, see `penalize_repetition`. Defaults to 1.

    Returns:
        Dictionary of `"token_ids"` int32 `(B, N, L)`, end token included, and
        `"log_probs"` float32 `(B, N)`, the natural log of P(tokens, end) under the
        model, without penalties; ordered by the score with penalties, best first. If
        fewer than N hypotheses have a probability, the remaining ids are padding and
        the log probabilities -inf.

    Raises:
        ValueError: If N is above K, or the state has no entry `"hypothesis"`.

    Example: a model that always prefers token 4, with a limit of 3 tokens.

    >>> def step(token_ids, state):
    ...     return 3.0 * ops.one_hot(token_ids * 0 + 4, 6), state
    >>> state = {"hypothesis": {}}
    >>> result = beam_search(step, state, ops.array([3]), max_length=3, beam_size=2)
    >>> result["token_ids"].numpy().tolist()
    [[[4, 4, 3]]]
    """
    _check_arguments(state, beam_size, num_hypotheses)
    limits = sentence_limits(limits, min_length, max_length)
    rules = TokenRules(
        limits, min_length, prefix_ids, no_repeat_ngram_size, repetition_penalty
    )
    beams = _first_beams(limits, max_length, beam_size, state)

    def is_unfinished(beams):
        return ops.logical_not(ops.all(_decided(beams, limits, alpha, num_hypotheses)))

    def extend(beams):
        logits, state = step(ops.reshape(beams["token_ids"], (-1,)), beams["state"])
        logits = ops.reshape(logits, (-1, beam_size, logits.shape[-1]))
        tokens, ranking = rules.distributions(
            logits, beams["generated"], beams["position"]
        )
        return (_choose({**beams, "state": state}, tokens, ranking, alpha),)

    (beams,) = ops.while_loop(is_unfinished, extend, (beams,))
    log_probs = beams["log_probs"][:, :num_hypotheses]
    exists = is_possible(ops.minimum(log_probs, beams["scores"][:, :num_hypotheses]))
    return {
        "token_ids": ops.where(
            exists[..., None], beams["generated"][:, :num_hypotheses], PAD_ID
        ),
        "log_probs": ops.where(exists, log_probs, -float("inf")),
    }


def _check_arguments(state, beam_size, num_hypotheses):
    if num_hypotheses > beam_size or "hypothesis" not in state:
        raise ValueError(
            "Expected num_hypotheses of at most beam_size, and a state with the entry "
            f'"hypothesis". Received: num_hypotheses={num_hypotheses}, '
            f"beam_size={beam_size}, a state with {list(state)}"
        )


def _first_beams(limits, max_length, beam_size, state):
    # One real hypothesis. The other slots hold placeholders with the lowest score.
    num_sentences = ops.shape(limits)[0]
    shape = (num_sentences, beam_size)
    is_first = ops.broadcast_to(ops.arange(beam_size, dtype="int32") == 0, shape)
    ended = ops.logical_or(ops.logical_not(is_first), ops.equal(limits, 0)[:, None])
    log_probs = ops.cast(ops.where(is_first, 0.0, IMPOSSIBLE), "float32")
    return {
        "position": ops.convert_to_tensor(0, dtype="int32"),
        "token_ids": ops.full(shape, BOS_ID, dtype="int32"),
        "generated": ops.zeros((*shape, max_length), dtype="int32"),
        "log_probs": log_probs,
        "scores": log_probs,
        "lengths": ops.zeros(shape, dtype="int32"),
        "ended": ended,
        "state": state,
    }


def _choose(beams, tokens, ranking, alpha):
    """The K best of K * V continuations of each sentence, best first."""
    has_penalty = ranking is not tokens
    token_ids, log_probs, scores = _continuations(beams["ended"], tokens, ranking)
    num_slots, num_choices = token_ids.shape[1:]
    flat_shape = (-1, num_slots * num_choices)
    scores = beams["scores"][..., None] + scores  # (B, K, K)
    lengths = beams["lengths"] + ops.cast(ops.logical_not(beams["ended"]), "int32")
    penalized = scores / length_penalty(lengths, alpha)[..., None]
    chosen = top_k_indices(ops.reshape(penalized, flat_shape), num_slots)  # (B, K)
    slots = chosen // num_choices
    token_ids = gather(ops.reshape(token_ids, flat_shape), chosen)
    scores = gather(ops.reshape(scores, flat_shape), chosen)
    if has_penalty:
        chosen_log_probs = gather(ops.reshape(log_probs, flat_shape), chosen)
        log_probs = gather(beams["log_probs"], slots) + chosen_log_probs

    generated = gather(beams["generated"], slots)
    columns = ops.arange(ops.shape(generated)[2], dtype="int32")
    generated = ops.where(columns == beams["position"], token_ids[..., None], generated)
    ended = ops.logical_or(gather(beams["ended"], slots), ops.equal(token_ids, EOS_ID))
    return {
        "position": beams["position"] + 1,
        "token_ids": token_ids,
        "generated": generated,
        "log_probs": log_probs if has_penalty else scores,
        "scores": scores,
        "lengths": gather(lengths, slots),
        "ended": ops.logical_or(ended, ops.logical_not(is_possible(scores))),
        "state": _reorder(beams["state"], slots),
    }


def _continuations(ended, tokens, ranking):
    """The K best continuations of each hypothesis; they include the sentence's K best.

    An ended hypothesis has one continuation: padding, with log probability 0.

    Args:
        ended: Bool tensor `(B, K)`.
        tokens: First result of `TokenRules.distributions`.
        ranking: Second result of `TokenRules.distributions`, by which tokens are
            ranked.

    Returns:
        Token ids, log-probabilities and scores, each `(B, K, min(K, V))`.
    """
    num_choices = min(ended.shape[1], ranking.vocab_size)
    best = ranking.best(num_choices)
    ended = ended[..., None]
    frozen = ops.where(ops.arange(num_choices, dtype="int32") == 0, 0.0, IMPOSSIBLE)
    frozen = ops.cast(frozen, "float32")
    log_probs = scores = ops.where(ended, frozen, tokens.log_probs(best))
    if ranking is not tokens:
        scores = ops.where(ended, frozen, ranking.log_probs(best))
    return ops.where(ended, PAD_ID, best), log_probs, scores


def _reorder(state, slots):
    sentences = ops.arange(ops.shape(slots)[0], dtype="int32")[:, None]
    rows = ops.reshape(sentences * slots.shape[1] + slots, (-1,))
    hypothesis = keras.tree.map_structure(
        lambda tensor: ops.take(tensor, rows, axis=0), state["hypothesis"]
    )
    return {**state, "hypothesis": hypothesis}


def _decided(beams, limits, alpha, num_hypotheses):
    """Whether the first N hypotheses of each sentence are final: `(B,)`."""
    ended, scores = beams["ended"], beams["scores"]
    # The score of an unfinished hypothesis can only fall, and dividing by the penalty
    # of the length limit, the largest one, gives an upper bound.
    reachable = scores / length_penalty(limits, alpha)[:, None]
    reachable = ops.max(ops.where(ended, IMPOSSIBLE, reachable), axis=1, keepdims=True)
    ranking = scores / length_penalty(beams["lengths"], alpha)
    safe = ops.logical_and(ended, ranking >= reachable)
    safe = ops.logical_and(safe, is_possible(scores))
    num_safe = ops.sum(ops.cast(safe, "int32"), axis=1)
    return ops.logical_or(num_safe >= num_hypotheses, ops.all(ended, axis=1))
