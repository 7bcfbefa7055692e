"""Greedy search: always chooses the most probable next token."""

from tf_transformer.decoding.constraints import TokenRules, sentence_limits
from tf_transformer.decoding.token_loop import generate


def greedy_search(
    step,
    state,
    limits,
    max_length,
    min_length=0,
    prefix_ids=None,
    no_repeat_ngram_size=0,
    repetition_penalty=1.0,
):
    """Chooses the most probable token at every step, for B sentences at once.

    The search stops when all sentences have ended. It needs only the function `step`,
    not the model. Tokens after the end are padding.

    Args:
        step: Function `(token_ids (B,), state) -> (logits (B, V), state)`.
            Its first token ids are 2, the begin token. Id 3 ends a sentence; 0
            (padding) and 2 are never chosen (`tf_transformer.ids`).
        state: State before the first token, any nested structure of tensors.
        limits: Integer tensor `(B,)`: maximum number of tokens of each sentence, end
            token counted; 0 for an empty translation.
        max_length: Integer or scalar tensor L; larger limits are lowered to it.
        min_length: Integer: minimum number of tokens, end token counted.
        prefix_ids: Optional integer tensor `(B, P)`: the first tokens of each
            translation, padded with 0.
        no_repeat_ngram_size: Integer n: no n-gram may occur twice in a translation; 0
            for no limit. Defaults to 0.
        repetition_penalty: Float above 0. Above 1, it discourages tokens that the
            translation already contains, see `penalize_repetition`. Defaults to 1.

    Returns:
        Dictionary of `"token_ids"` int32 `(B, 1, L)`, end token included, and
        `"log_probs"` float32 `(B, 1)`, the natural log of P(tokens, end). If no
        token has a probability, ids are padding and the log probability is -inf.

    Example: a model that always prefers token 4, with a limit of 3 tokens.

    >>> from keras import ops
    >>> def step(token_ids, state):
    ...     return ops.one_hot(token_ids * 0 + 4, 6), state
    >>> result = greedy_search(step, (), ops.array([3]), max_length=3)
    >>> result["token_ids"].numpy().tolist()
    [[[4, 4, 3]]]
    """

    def choose(ranking, position):
        return ranking.best(1)[..., 0]

    rules = TokenRules(
        sentence_limits(limits, min_length, max_length),
        min_length,
        prefix_ids,
        no_repeat_ngram_size,
        repetition_penalty,
    )
    return generate(step, state, rules, max_length, 1, choose)
