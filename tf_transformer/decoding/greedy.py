"""Greedy search: always the likeliest next token."""

from keras import ops

from tf_transformer.decoding.constraints import (
    allowed_log_probs,
    sentence_limits,
)
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID


def greedy_search(step, state, limits, max_length, min_length=0):
    """Writes, for B sentences at once, the likeliest token after the likeliest.

    It knows no model, only the function `step`; it stops when all sentences have
    ended. A sentence that has ended is filled with padding.

    Args:
        step: Function `(token_ids (B,), state) -> (logits (B, V), state)`.
        state: State before the first token, any nested structure of tensors.
        limits: Integer tensor `(B,)`: the most tokens of each sentence, end token
            counted; 0 for an empty translation.
        max_length: Integer or scalar tensor L, at least the largest limit.
        min_length: Integer: the fewest tokens, end token counted.

    Returns:
        Dictionary of `"token_ids"` int32 `(B, 1, L)`, end token included, and
        `"log_probs"` float32 `(B, 1)`, the natural log of P(tokens, end).

    Example: a model that always wants token 4 and is cut off after 3 tokens.

    >>> def step(token_ids, state):
    ...     return ops.one_hot(token_ids * 0 + 4, 6), state
    >>> result = greedy_search(step, (), ops.array([3]), max_length=3)
    >>> result["token_ids"].numpy().tolist()
    [[[4, 4, 3]]]
    """
    limits = sentence_limits(limits, min_length)
    ended = ops.equal(limits, 0)
    token_ids = ops.full_like(limits, BOS_ID)
    log_probs = ops.zeros_like(ops.cast(limits, "float32"))
    written = ops.zeros((ops.shape(limits)[0], max_length), dtype="int32")
    columns = ops.arange(ops.shape(written)[1])

    def not_all_ended(position, token_ids, written, log_probs, ended, state):
        return ops.logical_not(ops.all(ended))

    def write_one(position, token_ids, written, log_probs, ended, state):
        logits, state = step(token_ids, state)
        scores = allowed_log_probs(logits[:, None], position, limits, min_length)[:, 0]
        best = ops.cast(ops.argmax(scores, axis=-1), "int32")
        token_ids = ops.where(ended, PAD_ID, best)
        log_probs = log_probs + ops.where(ended, 0.0, ops.max(scores, axis=-1))
        written = ops.where(columns == position, token_ids[:, None], written)
        ended = ops.logical_or(ended, ops.equal(token_ids, EOS_ID))
        return position + 1, token_ids, written, log_probs, ended, state

    position = ops.convert_to_tensor(0, dtype="int32")
    _, _, written, log_probs, _, _ = ops.while_loop(
        not_all_ended,
        write_one,
        (position, token_ids, written, log_probs, ended, state),
    )
    return {"token_ids": written[:, None], "log_probs": log_probs[:, None]}
