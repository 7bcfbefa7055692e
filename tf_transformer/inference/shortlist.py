"""Lexical shortlist: the search chooses among likely tokens only."""

import os
from typing import NamedTuple

import numpy as np
from keras import ops

from tf_transformer.layers.few_queries import product
from tf_transformer.utils.atomic import replacing

NO_LOGIT = -1e9  # of a token that is not in the shortlist


class LexicalShortlist(NamedTuple):
    """The target tokens that the translation of a sentence may contain.

    Section 4 of [Devlin, 2017](https://arxiv.org/abs/1705.01991), "vocabulary
    selection": the frequent tokens, and for each token of the source its likely
    translations. Logits of other tokens are not computed, which is faster for a large
    vocabulary; such tokens are never generated.

    Attributes:
        frequent: int32 array of target ids that are allowed in each sentence, including
            the end token.
        likely: int32 array `(V, L)`: target ids for each source id, padded with 0.

    Example:

    >>> shortlist = LexicalShortlist(np.array([3, 5]), np.array([[0, 0], [7, 5]]))
    >>> shortlist.likely[1].tolist()
    [7, 5]
    """

    frequent: np.ndarray
    likely: np.ndarray

    def save(self, path: str | os.PathLike) -> None:
        """Writes an `.npz` file."""
        with replacing(path) as temporary:
            np.savez_compressed(temporary, frequent=self.frequent, likely=self.likely)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "LexicalShortlist":
        """Reads a file that `save` wrote."""
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return cls(arrays["frequent"], arrays["likely"])


class ShortlistedModel:
    """A `Transformer` for `search` that computes only the logits of a shortlist.

    Args:
        model: The `Transformer`; it keeps its weights.
        frequent: See `LexicalShortlist`.
        likely: See `LexicalShortlist`; an array or a variable.

    Raises:
        ValueError: If the target embedding is quantized.
    """

    def __init__(self, model, frequent, likely):
        if model.target_embedding.matrix.quantization_mode is not None:
            raise ValueError(
                "A shortlist takes rows of the target embedding. Expected floats. "
                f"Received: {model.target_embedding.matrix.quantization_mode} numbers"
            )
        self.model = model
        self.max_length = model.max_length
        self.frequent = frequent
        self.likely = likely

    def encode(self, source_ids, training=None):
        """Encodes the source; looks up its target tokens `(B, K)`, with duplicates."""
        encoded = self.model.encode(source_ids, training=training)
        batch_size, length = ops.shape(source_ids)
        likely = ops.take(self.likely, source_ids, axis=0)  # (B, S, L)
        likely = ops.reshape(likely, (batch_size, length * self.likely.shape[1]))
        frequent = ops.convert_to_tensor(self.frequent, "int32")
        frequent = ops.broadcast_to(frequent, (batch_size, len(self.frequent)))
        return {**encoded, "tokens": ops.concatenate([frequent, likely], axis=1)}

    def start(self, encoded, max_length, beam_size=1):
        """Gathers the rows of the embedding that all steps of a sentence need."""
        state = self.model.start(encoded, max_length, beam_size)
        embedding, tokens = self.model.target_embedding, encoded["tokens"]
        table = ops.cast(embedding.table, embedding.compute_dtype)
        batch_size, num_tokens = ops.shape(tokens)
        # (B, K) to (B, slots, K): the position of each logit in all hypotheses' logits
        row = ops.reshape(
            ops.arange(batch_size * beam_size, dtype="int32"),
            (batch_size, beam_size, 1),
        )
        places = row * embedding.vocab_size + tokens[:, None]
        sentence = {
            **state["sentence"],
            "rows": ops.take(table, tokens, axis=0),
            "places": ops.reshape(places, (batch_size, beam_size * num_tokens)),
        }
        if embedding.use_output_bias:
            sentence["bias"] = ops.take(embedding.output_bias, tokens, axis=0)
        return {**state, "sentence": sentence, "projection": {}}

    def step(self, token_ids, state):
        """Computes logits as the model's `step` does; -1e9 for other tokens."""
        states, state = self.model.step_states(token_ids, state)
        sentence = state["sentence"]
        listed = product(states, sentence["rows"], transpose_b=True)
        listed = ops.cast(listed, "float32")
        if "bias" in sentence:
            listed = listed + ops.cast(sentence["bias"][:, None], "float32")
        vocab_size = self.model.target_embedding.vocab_size
        logits = ops.full((ops.size(token_ids) * vocab_size,), NO_LOGIT, "float32")
        places = ops.reshape(sentence["places"], (-1, 1))
        logits = ops.scatter_update(logits, places, ops.reshape(listed, (-1,)))
        return ops.reshape(logits, (-1, vocab_size)), state
