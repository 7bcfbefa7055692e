"""Sampling: chooses each next token at random by its probability."""

from keras import ops

from tf_transformer.decoding.constraints import TokenRules, sentence_limits
from tf_transformer.decoding.distribution import is_possible
from tf_transformer.decoding.random_numbers import uniform_numbers
from tf_transformer.decoding.token_loop import generate

_LOWEST_TEMPERATURE = 1e-6  # in float32, already the same as argmax


def sampling_search(
    step,
    state,
    limits,
    max_length,
    keys,
    num_samples=1,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_length=0,
    prefix_ids=None,
    no_repeat_ngram_size=0,
    repetition_penalty=1.0,
):
    """Samples N independent translations of each of B sentences.

    Each next token is sampled from the model's distribution over the allowed tokens,
    after three changes in this order: the log-probabilities are divided by
    `temperature`; only the `top_k` most probable tokens are kept; of these, only the
    smallest set with a total probability of `top_p` ([nucleus
    sampling](https://arxiv.org/abs/1904.09751)). Scores refer to the unchanged
    distribution.

    The same keys give the same translations in any batch.

    Args:
        step: Function `(token_ids (B * N,), state) -> (logits (B * N, V), state)`.
            Its first token ids are 2, the begin token. Id 3 ends a sentence; 0
            (padding) and 2 are never chosen (`tf_transformer.ids`).
        state: State before the first token, any nested structure of tensors.
        limits: Integer tensor `(B,)`: maximum number of tokens of each sentence, end
            token counted; 0 for an empty translation.
        max_length: Integer or scalar tensor L; larger limits are lowered to it.
        keys: int32 tensor `(B,)`: the random seed of each sentence, see
            `sentence_keys`.
        num_samples: Integer N. Defaults to 1.
        temperature: Float above 0. Below 1 it favours probable tokens. Defaults to 1.
        top_k: Optional integer.
        top_p: Optional float in (0, 1].
        min_length: Integer: minimum number of tokens, end token counted.
        prefix_ids: Optional integer tensor `(B, P)`: the first tokens of each
            translation, padded with 0.
        no_repeat_ngram_size: Integer n: no n-gram may occur twice in a translation; 0
            for no limit. Defaults to 0.
        repetition_penalty: Float above 0. Above 1, it discourages tokens that the
            translation already contains, see `penalize_repetition`. Defaults to 1.

    Returns:
        Dictionary of `"token_ids"` int32 `(B, N, L)`, end token included, and
        `"log_probs"` float32 `(B, N)`, the natural log of P(tokens, end) under the
        model; in the order sampled. If no token has a probability, ids are
        padding and the log probability is -inf.

    Example: a model that prefers tokens 4 and 5, with a limit of 4 tokens.

    >>> def step(token_ids, state):
    ...     return 9.0 * ops.one_hot(token_ids * 0 + 4, 6) + [0, 0, 0, 0, 0, 9], state
    >>> result = sampling_search(
    ...     step, (), ops.array([4]), max_length=4, keys=ops.array([1]), num_samples=2
    ... )
    >>> result["token_ids"].numpy().tolist()
    [[[4, 4, 5, 3], [4, 5, 4, 3]]]
    """

    if top_k is not None and top_k < 1:
        raise ValueError(
            f"Expected top_k of at least 1, or None for all tokens. Received: {top_k}"
        )

    def choose(ranking, position):
        numbers = uniform_numbers(keys, num_samples, position)
        scores = ranking.all_log_probs()
        return sample(scores, numbers, temperature, top_k, top_p)

    rules = TokenRules(
        sentence_limits(limits, min_length, max_length),
        min_length,
        prefix_ids,
        no_repeat_ngram_size,
        repetition_penalty,
    )
    return generate(step, state, rules, max_length, num_samples, choose)


def sample(scores, numbers, temperature=1.0, top_k=None, top_p=None):
    """Inverse transform sampling: turns a uniform random number into a token.

    Tokens with the score `IMPOSSIBLE` are never sampled, at any temperature.

    Args:
        scores: float32 tensor `(..., V)`: log-probabilities, up to a constant.
        numbers: float32 tensor `(...)`, between 0 and 1.
        temperature: See `sampling_search`.
        top_k: See `sampling_search`.
        top_p: See `sampling_search`.

    Returns:
        int32 tensor `(...)`.

    Example: probabilities 0.1, 0.3 and 0.6; their sums are 0.1, 0.4 and 1.

    >>> log_probs = ops.log(ops.array([[0.1, 0.3, 0.6]] * 3))
    >>> sample(log_probs, ops.array([0.05, 0.35, 0.5])).numpy().tolist()
    [0, 1, 2]
    """
    token_ids = None
    if top_k is not None or top_p is not None:
        k = scores.shape[-1] if top_k is None else min(top_k, scores.shape[-1])
        scores, token_ids = ops.top_k(scores, k)  # in descending order
    indices = ops.arange(scores.shape[-1], dtype="int32")
    # The largest weight is 1, so no temperature overflows.
    differences = scores - ops.max(scores, axis=-1, keepdims=True)
    weights = ops.exp(differences / max(temperature, _LOWEST_TEMPERATURE))
    weights = ops.where(is_possible(scores), weights, 0.0)
    if top_p is not None:
        before = ops.cumsum(weights, axis=-1) - weights
        enough = top_p * ops.sum(weights, axis=-1, keepdims=True)
        is_kept = ops.logical_or(before < enough, indices == 0)
        weights = ops.where(is_kept, weights, 0.0)
    # Rounding can make a parallel cumulative sum fall: use only tokens with a weight.
    cumulative = ops.where(weights > 0, ops.cumsum(weights, axis=-1), 0.0)
    threshold = numbers * ops.max(cumulative, axis=-1)
    reached = cumulative > threshold[..., None]
    # The last index if all weights are 0: the search then ends.
    index = ops.min(ops.where(reached, indices, indices.shape[0] - 1), axis=-1)
    if token_ids is None:
        return ops.cast(index, "int32")
    chosen = ops.take_along_axis(token_ids, index[..., None], axis=-1)[..., 0]
    return ops.cast(chosen, "int32")
