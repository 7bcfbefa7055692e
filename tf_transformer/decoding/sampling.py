"""Sampling: the next token is drawn by its probability."""

from keras import ops

from tf_transformer.decoding.random_numbers import uniform_numbers
from tf_transformer.decoding.writing import write_tokens


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
):
    """Draws N independent translations of each of B sentences.

    Each next token is drawn from the model's probabilities of those that may stand
    there, after three changes in this order: the log-probabilities are divided by
    `temperature`; all but the `top_k` likeliest are left out; of these, the fewest
    likeliest whose probabilities add up to `top_p` stay ([nucleus
    sampling](https://arxiv.org/abs/1904.09751)). Scores are the model's own.

    The same keys give the same translations, whatever else is in the batch.

    Args:
        step: Function `(token_ids (B * N,), state) -> (logits (B * N, V), state)`.
        state: State before the first token, any nested structure of tensors.
        limits: Integer tensor `(B,)`: the most tokens of each sentence, end token
            counted; 0 for an empty translation.
        max_length: Integer or scalar tensor L, at least the largest limit.
        keys: int32 tensor `(B,)`: what the random numbers of each sentence are made
            from, see `sentence_keys`.
        num_samples: Integer N. Defaults to 1.
        temperature: Float above 0; below 1 for likelier tokens. Defaults to 1.
        top_k: Optional integer.
        top_p: Optional float in (0, 1].
        min_length: Integer: the fewest tokens, end token counted.
        prefix_ids: Optional integer tensor `(B, P)`: the first tokens of each
            translation, as many as are not 0.

    Returns:
        Dictionary of `"token_ids"` int32 `(B, N, L)`, end token included, and
        `"log_probs"` float32 `(B, N)`, the natural log of P(tokens, end) under the
        model; in the order drawn.

    Example: a model that wants token 4 or 5 and is cut off after 4 tokens.

    >>> def step(token_ids, state):
    ...     return 9.0 * ops.one_hot(token_ids * 0 + 4, 6) + [0, 0, 0, 0, 0, 9], state
    >>> result = sampling_search(
    ...     step, (), ops.array([4]), max_length=4, keys=ops.array([1]), num_samples=2
    ... )
    >>> result["token_ids"].numpy().tolist()
    [[[4, 4, 5, 3], [4, 5, 4, 3]]]
    """

    def choose(scores, position):
        numbers = uniform_numbers(keys, num_samples, position)
        return drawn(scores, numbers, temperature, top_k, top_p)

    return write_tokens(
        step, state, limits, max_length, num_samples, choose, min_length, prefix_ids
    )


def drawn(scores, numbers, temperature=1.0, top_k=None, top_p=None):
    """Turns a uniform random number into a token: the inverse of the distribution.

    Args:
        scores: float32 tensor `(..., V)`: log-probabilities, of whatever sum.
        numbers: float32 tensor `(...)`, between 0 and 1.
        temperature: See `sampling_search`, as are `top_k` and `top_p`.
        top_k: Optional integer.
        top_p: Optional float.

    Returns:
        int32 tensor `(...)`.
    """
    token_ids = None
    if top_k is not None or top_p is not None:
        kept = scores.shape[-1] if top_k is None else min(top_k, scores.shape[-1])
        scores, token_ids = ops.top_k(scores, kept)  # likeliest first
    # the largest weight is 1: no temperature makes an infinity
    scores = scores - ops.max(scores, axis=-1, keepdims=True)
    weights = ops.exp(scores / temperature)
    if top_p is not None:
        likelier = ops.cumsum(weights, axis=-1) - weights
        enough = top_p * ops.sum(weights, axis=-1, keepdims=True)
        weights = ops.where(likelier < enough, weights, 0.0)
    # a parallel sum may fall a little: only tokens that have a weight count
    cumulative = ops.where(weights > 0, ops.cumsum(weights, axis=-1), 0.0)
    threshold = numbers * ops.max(cumulative, axis=-1)
    places = ops.arange(weights.shape[-1])
    reached = cumulative > threshold[..., None]
    place = ops.min(ops.where(reached, places, places.shape[0]), axis=-1)
    if token_ids is None:
        return ops.cast(place, "int32")
    chosen = ops.take_along_axis(token_ids, place[..., None], axis=-1)[..., 0]
    return ops.cast(chosen, "int32")
