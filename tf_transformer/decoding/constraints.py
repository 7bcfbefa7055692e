"""The tokens that a search may choose next, and the length penalty."""

import dataclasses
from typing import Any

from keras import ops

from tf_transformer.decoding.repetition import penalize_repetition, repeating_tokens
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID

IMPOSSIBLE = -1e9  # finite, so that sums and products with it never become NaN


@dataclasses.dataclass(frozen=True)
class TokenRules:
    """Decides which tokens a search may choose next, and how it ranks them.

    Args:
        limits: Integer tensor `(B,)`: maximum number of tokens, end token counted.
        min_length: Integer: minimum number of tokens, end token counted.
        prefix_ids: Optional integer tensor `(B, P)`, see `allowed_log_probs`.
        no_repeat_ngram_size: Integer n: no n-gram may occur twice; 0 for no rule.
        repetition_penalty: Float, see `penalize_repetition`; 1 for none.
    """

    limits: Any
    min_length: int = 0
    prefix_ids: Any = None
    no_repeat_ngram_size: int = 0
    repetition_penalty: float = 1.0

    def log_probs(self, logits, generated, position):
        """Log-probabilities of the next token, and the scores that rank it.

        Both are the same tensor unless there is a repetition penalty.

        Args:
            logits: Tensor `(B, K, V)`.
            generated: int32 tensor `(B, K, L)`: the tokens so far, padded with 0.
            position: Integer scalar tensor: the number of tokens so far.

        Returns:
            Two float32 tensors `(B, K, V)`, the results of `allowed_log_probs` without
            and with the repetition penalty.
        """
        logits = ops.cast(logits, "float32")
        rules = {
            "position": position,
            "limits": self.limits,
            "min_length": self.min_length,
            "prefix_ids": self.prefix_ids,
        }
        if self.no_repeat_ngram_size:
            rules["forbidden"] = repeating_tokens(
                generated, position, self.no_repeat_ngram_size, logits.shape[-1]
            )
        log_probs = allowed_log_probs(logits, **rules)
        if self.repetition_penalty == 1:
            return log_probs, log_probs
        penalized = penalize_repetition(logits, generated, self.repetition_penalty)
        return log_probs, allowed_log_probs(penalized, **rules)


def allowed_log_probs(
    logits, position, limits, min_length, prefix_ids=None, forbidden=None
):
    """ln P(token) of every token that is allowed at `position`.

    Padding and the start token are never allowed. The end token is not allowed before
    `min_length` tokens (itself counted) and is the only choice at a sentence's limit,
    so that every hypothesis ends and is scored as a whole sentence. Prefix tokens are
    the only choice at their positions. Log-probabilities are not normalized over the
    allowed tokens.

    Args:
        logits: Tensor `(B, K, V)`.
        position: Integer scalar tensor, from 0.
        limits: Integer tensor `(B,)`: maximum number of tokens, end token counted.
        min_length: Integer: minimum number of tokens, end token counted.
        prefix_ids: Optional integer tensor `(B, P)`, P at least 1: the first tokens
            of each translation, padded with 0; without the end token, and shorter
            than the sentence's limit.
        forbidden: Optional bool tensor `(B, K, V)`: further tokens that are not
            allowed, unless they belong to a prefix.

    Returns:
        float32 tensor `(B, K, V)`; `IMPOSSIBLE` for tokens that are not allowed or
        have no probability (see `defined_log_probs`).
    """
    log_probs = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    token_ids = ops.arange(logits.shape[-1])
    length = position + 1
    is_end = ops.equal(token_ids, EOS_ID)
    never = ops.logical_or(ops.equal(token_ids, PAD_ID), ops.equal(token_ids, BOS_ID))
    too_early = ops.logical_and(is_end, length < min_length)
    before_limit = ops.logical_not(ops.logical_or(never, too_early))
    # one row for sentences below their limit, one for sentences at their limit
    choices = ops.stack([before_limit, ops.logical_and(before_limit, is_end)])
    at_limit = ops.cast(ops.greater_equal(length, limits), "int32")
    allowed = ops.take(choices, at_limit, axis=0)[:, None]  # (B, 1, V)
    if forbidden is not None:
        allowed = ops.logical_and(allowed, ops.logical_not(forbidden))
    if prefix_ids is not None:
        last = prefix_ids.shape[1] - 1
        forced_ids = ops.take(prefix_ids, ops.minimum(position, last), axis=1)
        forced_ids = ops.cast(forced_ids, "int32")[:, None, None]
        is_forced = ops.logical_and(ops.not_equal(forced_ids, PAD_ID), position <= last)
        allowed = ops.where(is_forced, ops.equal(token_ids, forced_ids), allowed)
    return _defined(log_probs, allowed)


def defined_log_probs(logits):
    """Log-softmax that is also defined for logits that are not finite.

    A token whose logit is -inf has no probability: it gets `IMPOSSIBLE`. If a logit is
    NaN or +inf, or if all are -inf, there is no distribution, and every token gets
    `IMPOSSIBLE`.

    Args:
        logits: Tensor `(..., V)`.

    Returns:
        float32 tensor `(..., V)`, at least `IMPOSSIBLE`.

    Example:

    >>> nan, inf = float("nan"), float("inf")
    >>> logits = ops.array([[0.0, -inf, 0.0], [0.0, nan, 0.0]])
    >>> ops.exp(defined_log_probs(logits)).numpy().tolist()
    [[0.5, 0.0, 0.5], [0.0, 0.0, 0.0]]
    """
    return _defined(ops.log_softmax(ops.cast(logits, "float32"), axis=-1))


def _defined(log_probs, is_allowed=True):
    is_defined = log_probs > IMPOSSIBLE  # false for NaN
    return ops.where(ops.logical_and(is_defined, is_allowed), log_probs, IMPOSSIBLE)


def is_possible(log_probs):
    """Whether a token or a hypothesis with this score has a probability.

    Args:
        log_probs: float32 tensor of sums of `allowed_log_probs`.

    Returns:
        Bool tensor of the same shape.
    """
    return log_probs > IMPOSSIBLE / 2


def sentence_limits(limits, min_length):
    """Raises limits to `min_length`; a limit of 0 (empty sentence) stays.

    Args:
        limits: Integer tensor `(B,)`.
        min_length: Integer.

    Returns:
        int32 tensor `(B,)`.
    """
    limits = ops.cast(limits, "int32")
    return ops.where(limits > 0, ops.maximum(limits, min_length), 0)


def length_penalty(lengths, alpha):
    """((5 + n) / 6)^alpha, by which a score is divided (section 6.1, alpha 0.6).

    Args:
        lengths: Integer tensor, numbers of tokens n, end token counted.
        alpha: Float; 0 means no penalty.

    Returns:
        float32 tensor.

    Example:

    >>> length_penalty(ops.array([1, 7]), 1.0).numpy().tolist()
    [1.0, 2.0]
    """
    return ((5.0 + ops.cast(lengths, "float32")) / 6.0) ** alpha
