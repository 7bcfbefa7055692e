"""The loop over tokens that greedy search and sampling share."""

from keras import ops

from tf_transformer.decoding.distribution import is_possible
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID


def generate(step, state, rules, max_length, num_rows, choose):
    """Generates N independent translations of each of B sentences, token by token.

    The loop stops when all have ended. Tokens after the end are padding. A translation
    also ends if no token has a probability.

    Args:
        step: Function `(token_ids (B * N,), state) -> (logits (B * N, V), state)`.
        state: State before the first token.
        rules: `TokenRules` of B sentences.
        max_length: Integer or scalar tensor L, at least the largest limit.
        num_rows: Integer N.
        choose: Function `(ranking, position) -> token ids (B, N)`; `ranking` is the
            second result of `TokenRules.distributions`.

    Returns:
        Dictionary of `"token_ids"` int32 `(B, N, L)`, end token included, and
        `"log_probs"` float32 `(B, N)`, the natural log of P(tokens, end). If no
        token has a probability, ids are padding and the log probability is -inf.
    """
    shape = (ops.shape(rules.limits)[0], num_rows)
    columns = ops.arange(max_length, dtype="int32")

    def is_unfinished(position, token_ids, generated, log_probs, ended, state):
        return ops.logical_not(ops.all(ended))

    def extend(position, token_ids, generated, log_probs, ended, state):
        logits, state = step(ops.reshape(token_ids, (-1,)), state)
        logits = ops.reshape(logits, (-1, num_rows, logits.shape[-1]))
        tokens, ranking = rules.distributions(logits, generated, position)
        chosen = choose(ranking, position)
        chosen_log_probs = tokens.log_probs(chosen[..., None])[..., 0]
        token_ids = ops.where(ended, PAD_ID, chosen)
        log_probs = log_probs + ops.where(ended, 0.0, chosen_log_probs)
        generated = ops.where(columns == position, token_ids[..., None], generated)
        ended = ops.logical_or(ended, ops.equal(token_ids, EOS_ID))
        ended = ops.logical_or(ended, ops.logical_not(is_possible(log_probs)))
        return position + 1, token_ids, generated, log_probs, ended, state

    start = (
        ops.convert_to_tensor(0, dtype="int32"),
        ops.full(shape, BOS_ID, dtype="int32"),
        ops.zeros((*shape, max_length), dtype="int32"),
        ops.zeros(shape, dtype="float32"),
        ops.broadcast_to(ops.equal(rules.limits, 0)[:, None], shape),
        state,
    )
    _, _, generated, log_probs, _, _ = ops.while_loop(is_unfinished, extend, start)
    exists = is_possible(log_probs)
    return {
        "token_ids": ops.where(exists[..., None], generated, PAD_ID),
        "log_probs": ops.where(exists, log_probs, -float("inf")),
    }
