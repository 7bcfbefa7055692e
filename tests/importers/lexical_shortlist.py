"""The lexical shortlist of Marian's int8 engines: which tokens a sentence may have.

Such an engine computes logits of few tokens only: the most frequent ones, and for each
token of the source its likely translations. The file holds six little-endian uint64
(magic, checksum, number of frequent tokens, tokens for each source token, and the
sizes of two arrays), the offsets of each source token's list, and the lists.
"""

import numpy as np
from keras import ops

MAGIC = 0xF11A48D5013417F5


class LexicalShortlist:
    """The file `lex.*.s2t.bin`."""

    def __init__(self, path):
        data = path.read_bytes()
        header = np.frombuffer(data, "<u8", 6).tolist()
        magic, _, self.num_frequent, _, num_offsets, num_tokens = header
        assert magic == MAGIC
        self.offsets = np.frombuffer(data, "<u8", num_offsets, 48)
        self.tokens = np.frombuffer(data, "<u4", num_tokens, 48 + 8 * num_offsets)

    def allowed(self, source):
        """The tokens of a sentence, for rows of the embedding."""
        found = set(range(self.num_frequent)) | set(source)
        for token in set(source):
            start, end = self.offsets[token : token + 2]
            found.update(self.tokens[start:end].tolist())
        more = iter(range(self.num_frequent, len(self.offsets)))
        while len(found) % 8:  # the engine multiplies eight rows at once
            found.add(next(more))
        return sorted(found)


class ShortlistedModel:
    """A model for `search` that writes allowed tokens only.

    Args:
        model: The model.
        is_allowed: Bool array `(B, V)` for a batch.
    """

    def __init__(self, model, is_allowed):
        self.model, self.max_length, self.encode = model, model.max_length, model.encode
        self.penalties = ops.where(ops.convert_to_tensor(is_allowed), 0.0, -1e9)

    def start(self, encoded, max_length, beam_size=1):
        return self.model.start(encoded, max_length, beam_size)

    def step(self, token_ids, state):
        logits, state = self.model.step(token_ids, state)
        return logits + self.penalties, state
