"""The probabilities of the next token, computed for chosen tokens only."""

from keras import ops

from tf_transformer.decoding.gather import gather
from tf_transformer.decoding.top_k import argmax, top_k_indices
from tf_transformer.ids import PAD_ID

IMPOSSIBLE = -1e9  # finite, so that sums and products with it never become NaN


class TokenDistribution:
    """ln P of the next token of each hypothesis, with some tokens not allowed.

    Ranking tokens needs no probabilities: within a hypothesis, the order of the logits
    is the order of the probabilities. So a search reads the `(B, K, V)` logits as few
    times as possible, and ln P is computed for the tokens that it has chosen.

    A token whose logit is -inf has no probability: its ln P is `IMPOSSIBLE`, like that
    of a token that is not allowed. If a logit is NaN or +inf, or if all are -inf, there
    is no distribution, and every token gets `IMPOSSIBLE`.

    Args:
        logits: float32 tensor `(B, K, V)`.
        allowed: Bool tensor `(V,)` or `(B, K, V)`. Probabilities are not normalized
            over the allowed tokens.
        only_choice: Optional int32 tensor `(B, 1)`: the only token that is allowed,
            whatever `allowed` says; 0 for a free choice.

    Example: the second token has the largest logit, but is not allowed.

    >>> allowed = ops.array([True, False, True])
    >>> tokens = TokenDistribution(ops.array([[[1.0, 5.0, 2.0]]]), allowed)
    >>> tokens.best(2).numpy().tolist()
    [[[2, 0]]]
    >>> tokens.log_probs(ops.array([[[1]]])).numpy().tolist()
    [[[-1000000000.0]]]
    """

    def __init__(self, logits, allowed, only_choice=None):
        self.vocab_size = logits.shape[-1]
        self._logits = logits
        self._largest, self._log_sum = _normalizer(logits)
        # on TensorFlow a sum takes less time than `where` with the logits
        barrier = ops.where(allowed, 0.0, -float("inf"))
        self._allowed_logits = logits + ops.cast(barrier, logits.dtype)
        self._only_choice = only_choice

    def best(self, k):
        """The k most probable tokens, best first: int32 `(B, K, k)`."""
        rows = ops.reshape(self._allowed_logits, (-1, self.vocab_size))
        best = argmax(rows)[:, None] if k == 1 else top_k_indices(rows, k)
        best = ops.reshape(best, (-1, self._logits.shape[1], k))
        if self._only_choice is None:
            return best
        only = self._only_choice[..., None]
        first = ops.arange(k, dtype="int32") == 0
        return ops.where(only > 0, ops.where(first, only, PAD_ID), best)

    def log_probs(self, token_ids):
        """ln P of n tokens of each hypothesis.

        Args:
            token_ids: int32 tensor `(B, K, n)`.

        Returns:
            float32 tensor `(B, K, n)`, at least `IMPOSSIBLE`.
        """

        def chosen(logits):
            rows = ops.reshape(logits, (-1, self.vocab_size))
            values = gather(rows, ops.reshape(token_ids, (-1, token_ids.shape[-1])))
            return ops.reshape(values, ops.shape(token_ids))

        return self._normalized(
            chosen(self._logits), chosen(self._allowed_logits), token_ids
        )

    def all_log_probs(self):
        """ln P of all tokens: float32 tensor `(B, K, V)`, at least `IMPOSSIBLE`."""
        token_ids = ops.arange(self.vocab_size, dtype="int32")
        return self._normalized(self._logits, self._allowed_logits, token_ids)

    def _normalized(self, logits, allowed_logits, token_ids):
        is_allowed = allowed_logits > -float("inf")
        if self._only_choice is not None:
            only = self._only_choice[..., None]
            is_allowed = ops.where(only > 0, ops.equal(token_ids, only), is_allowed)
        return _defined(logits - self._largest - self._log_sum, is_allowed)


def _normalizer(logits):
    # max and ln sum exp(logits - max), each (..., 1)
    largest = ops.max(logits, axis=-1, keepdims=True)
    total = ops.sum(ops.exp(logits - largest), axis=-1, keepdims=True)
    return largest, ops.log(total)


def _defined(log_probs, is_allowed=True):
    is_defined = log_probs > IMPOSSIBLE  # false for NaN
    return ops.where(ops.logical_and(is_defined, is_allowed), log_probs, IMPOSSIBLE)


def defined_log_probs(logits):
    """Log-softmax that is also defined for logits that are not finite.

    Args:
        logits: Tensor `(..., V)`.

    Returns:
        float32 tensor `(..., V)`, at least `IMPOSSIBLE` (see `TokenDistribution`).

    Example:

    >>> nan, inf = float("nan"), float("inf")
    >>> logits = ops.array([[0.0, -inf, 0.0], [0.0, nan, 0.0]])
    >>> ops.exp(defined_log_probs(logits)).numpy().tolist()
    [[0.5, 0.0, 0.5], [0.0, 0.0, 0.0]]
    """
    return _defined(ops.log_softmax(ops.cast(logits, "float32"), axis=-1))


def is_possible(log_probs):
    """Whether a token or a hypothesis with this score has a probability.

    Args:
        log_probs: float32 tensor of sums of ln P.

    Returns:
        Bool tensor of the same shape.
    """
    return log_probs > IMPOSSIBLE / 2
