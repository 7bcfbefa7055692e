"""The merges of a BPE model, as plain arrays."""

import math

import numpy as np

from tf_transformer.data.sentencepiece_model import SentencePieceModel


class MergeTable:
    """The merges of a BPE model over numbered symbols.

    A symbol is a piece or a character: the pieces' numbers are their ids, the numbers
    of other characters within pieces follow, and `unknown` represents all others.

    Args:
        model: A `SentencePieceModel`.

    Attributes:
        characters: Dictionary from a code point to its symbol.
        num_symbols: Number of symbols, `unknown` included.
        unknown: The symbol of a character that no piece contains.
        pairs: Dictionary from `left * num_symbols + right` to the merged symbol.
        neighbours: Set of `left * num_symbols + right` of all characters that are
            adjacent within a piece; no merge joins others.
        ranks: int32 array: the priority of each merged symbol; the highest is merged
            first.
        parts: For each symbol, the (id, first character) of its tokens: the symbol
            itself, or the parts of an unused piece. An unknown character's id is -1.

    Example:

    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> tokenizer = Tokenizer.train([("two words", "두 낱말")], vocab_size=300)
    >>> table = MergeTable(SentencePieceModel.parse(tokenizer.source_model))
    >>> table.parts[table.characters[ord("w")]] == [(table.characters[ord("w")], 0)]
    True
    """

    def __init__(self, model: SentencePieceModel):
        pieces = model.mergeable_pieces
        if model.model_type == "char":
            pieces = {piece: i for piece, i in pieces.items() if len(piece) == 1}
        self._symbols = dict(pieces)
        size = len(model.pieces)
        for character in sorted(set("".join(pieces)) - set(pieces)):
            self._symbols[character] = size
            size += 1
        self.unknown, self.num_symbols = size, size + 1
        self.characters = {
            ord(text): symbol
            for text, symbol in self._symbols.items()
            if len(text) == 1
        }
        self.pairs, self.neighbours = {}, set()
        for piece, merged in pieces.items():
            self._add(piece, merged)
        self.ranks = _ranks(model.scores, self.num_symbols)
        self._known = model.text_pieces
        self.parts = [[(-1, 0)] for _ in range(self.num_symbols)]
        for token_id in self._known.values():
            self.parts[token_id] = [(token_id, 0)]
        for piece, symbol in pieces.items():
            if model.kinds[symbol] == model.UNUSED:
                self.parts[symbol] = self._split(piece)

    def pair(self, left: int, right: int) -> int:
        """The key of two adjacent symbols."""
        return left * self.num_symbols + right

    def _add(self, piece: str, merged: int) -> None:
        for middle in range(1, len(piece)):
            left, right = piece[:middle], piece[middle:]
            if left in self._symbols and right in self._symbols:
                key = self.pair(self._symbols[left], self._symbols[right])
                self.pairs[key] = merged
            key = self.pair(
                self.characters[ord(left[-1])], self.characters[ord(right[0])]
            )
            self.neighbours.add(key)

    def _split(self, piece: str) -> list[tuple[int, int]]:
        """Splits an unused piece into the symbols it was merged from, recursively.

        The order of the merges within a piece does not depend on its context.
        """
        if piece in self._known:
            return [(self._known[piece], 0)]
        symbols = list(piece)
        while len(symbols) > 2:
            ranks = [
                self._rank(left, right)
                for left, right in zip(symbols, symbols[1:], strict=False)
            ]
            if max(ranks) < 0:
                break
            first = ranks.index(max(ranks))
            symbols[first : first + 2] = ["".join(symbols[first : first + 2])]
        if len(symbols) != 2:  # a single character, or a piece that is never merged
            return [(-1, place) for place in range(len(piece))]
        left, right = symbols
        shifted = [(i, place + len(left)) for i, place in self._split(right)]
        return [*self._split(left), *shifted]

    def _rank(self, left: str, right: str) -> int:
        merged = self.pairs.get(self.pair(self._symbols[left], self._symbols[right]))
        return -1 if merged is None else int(self.ranks[merged])


def _ranks(scores, num_symbols: int) -> np.ndarray:
    # SentencePiece compares the floats' bits: -0.0 is below 0.0
    keys = [(score, math.copysign(1, score)) for score in scores]
    order = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    ranks = np.zeros(num_symbols, np.int32)
    ranks[: len(scores)] = [order[key] for key in keys]
    return ranks
