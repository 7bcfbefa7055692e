"""The tokens that a search may choose next, and the length penalty."""

import dataclasses
from typing import Any

from keras import ops

from tf_transformer.decoding.distribution import TokenDistribution
from tf_transformer.decoding.repetition import penalize_repetition, repeating_tokens
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID
from tf_transformer.utils.known_values import known_values


@dataclasses.dataclass(frozen=True)
class TokenRules:
    """Decides which tokens a search may choose next, and how it ranks them.

    Args:
        limits: Integer tensor `(B,)`: maximum number of tokens, end token counted.
        min_length: Integer: minimum number of tokens, end token counted.
        prefix_ids: Optional integer tensor `(B, P)`, see `only_choices`.
        no_repeat_ngram_size: Integer n: no n-gram may occur twice; 0 for no rule.
        repetition_penalty: Float, see `penalize_repetition`; 1 for none.

    Raises:
        ValueError: Outside compiled functions, if a prefix has padding before a token.
    """

    limits: Any
    min_length: int = 0
    prefix_ids: Any = None
    no_repeat_ngram_size: int = 0
    repetition_penalty: float = 1.0

    def __post_init__(self):
        if self.prefix_ids is None:
            return
        prefix_ids = known_values(self.prefix_ids)
        if prefix_ids is None:
            return
        is_token = prefix_ids != PAD_ID
        if (is_token[:, 1:] > is_token[:, :-1]).any():
            raise ValueError(
                "Prefixes are padded at the end. Expected tokens first and then 0. "
                f"Received: prefix_ids={prefix_ids.tolist()}"
            )

    def distributions(self, logits, generated, position):
        """The probabilities of the next token, and the scores that rank it.

        Both are the same object unless there is a repetition penalty.

        Args:
            logits: Tensor `(B, K, V)`.
            generated: int32 tensor `(B, K, L)`: the tokens so far, padded with 0.
            position: Integer scalar tensor: the number of tokens so far.

        Returns:
            Two `TokenDistribution`s, without and with the repetition penalty.
        """
        logits = ops.cast(logits, "float32")
        vocab_size = logits.shape[-1]
        allowed = allowed_tokens(position, vocab_size, self.min_length)
        if self.no_repeat_ngram_size:
            repeating = repeating_tokens(
                generated, position, self.no_repeat_ngram_size, vocab_size
            )
            allowed = ops.logical_and(allowed, ops.logical_not(repeating))
        only_choice = only_choices(position, self.limits, self.prefix_ids)
        tokens = TokenDistribution(logits, allowed, only_choice)
        if self.repetition_penalty == 1:
            return tokens, tokens
        penalized = penalize_repetition(logits, generated, self.repetition_penalty)
        return tokens, TokenDistribution(penalized, allowed, only_choice)


def allowed_tokens(position, vocab_size, min_length=0):
    """The tokens that are allowed at `position` where the choice is free.

    Padding and the start token are never allowed, the end token not before
    `min_length` tokens (itself counted).

    Args:
        position: Integer scalar tensor, from 0.
        vocab_size: Integer V.
        min_length: Integer: minimum number of tokens, end token counted.

    Returns:
        Bool tensor `(V,)`.
    """
    token_ids = ops.arange(vocab_size, dtype="int32")
    never = ops.logical_or(ops.equal(token_ids, PAD_ID), ops.equal(token_ids, BOS_ID))
    too_early = ops.logical_and(ops.equal(token_ids, EOS_ID), position + 1 < min_length)
    return ops.logical_not(ops.logical_or(never, too_early))


def only_choices(position, limits, prefix_ids=None):
    """The token that is the only choice of a sentence at `position`, or 0.

    Tokens of the prefix are the only choice at their positions. The end token is the
    only choice at a sentence's limit, so that every hypothesis ends and is scored as a
    whole sentence.

    Args:
        position: Integer scalar tensor, from 0.
        limits: Integer tensor `(B,)`: maximum number of tokens, end token counted.
        prefix_ids: Optional integer tensor `(B, P)`, P at least 1: the first tokens
            of each translation, padded with 0; without the end token, and shorter
            than the sentence's limit.

    Returns:
        int32 tensor `(B, 1)`.

    Example: two sentences, of which the first has reached its limit of 3 tokens.

    >>> only_choices(ops.array(2), ops.array([3, 9])).numpy().tolist()
    [[3], [0]]
    """
    choices = ops.where(ops.greater_equal(position + 1, limits), EOS_ID, 0)
    choices = ops.cast(choices, "int32")
    if prefix_ids is not None:
        prefix_ids = ops.convert_to_tensor(prefix_ids)
        last = prefix_ids.shape[1] - 1
        prefix = ops.take(prefix_ids, ops.minimum(position, last), axis=1)
        is_prefix = ops.logical_and(ops.not_equal(prefix, PAD_ID), position <= last)
        choices = ops.where(is_prefix, ops.cast(prefix, "int32"), choices)
    return choices[:, None]


def sentence_limits(limits, min_length, max_length):
    """Keeps limits between `min_length` and `max_length`.

    Args:
        limits: Integer tensor `(B,)`. A limit of 0 (empty sentence) stays 0.
        min_length: Integer.
        max_length: Integer or scalar tensor L: the space for tokens.

    Returns:
        int32 tensor `(B,)`.

    Raises:
        ValueError: If the limits have another shape.
    """
    limits = one_for_each_sentence(limits, "limits")
    limits = ops.where(limits > 0, ops.maximum(limits, min_length), 0)
    return ops.minimum(limits, max_length)


def one_for_each_sentence(values, name):
    """Returns integers as an int32 tensor `(B,)`.

    Args:
        values: Integers, one for each sentence.
        name: Name of the argument, for the error.

    Raises:
        ValueError: If they have another shape.
    """
    values = ops.convert_to_tensor(values, dtype="int32")
    if len(values.shape) != 1:
        raise ValueError(
            f"Each sentence has its own number in {name}. Expected the shape (B,). "
            f"Received: shape={tuple(values.shape)}"
        )
    return values


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
