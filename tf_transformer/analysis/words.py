"""From pieces to words and text."""

import re
from collections.abc import Sequence

SPACE = "\u2581"  # SentencePiece's mark for the space before a word
START, END = "<s>", "</s>"
SPECIAL = (START, END, "<unk>", "<pad>")

_BYTE = re.compile("<0x([0-9A-F]{2})>")


def are_words(tokens: Sequence[str]) -> bool:
    """Whether tokens are words: none begins with the mark of a piece, "\u2581".

    Example:

    >>> are_words(["I", "sleep.", "</s>"]), are_words(["\u2581I", "\u2581slee", "p"])
    (True, False)
    """
    return not any(token.startswith(SPACE) for token in tokens)


def word_starts(pieces: Sequence[str]) -> list[int]:
    """The positions at which words begin; start and end token are separate words.

    Args:
        pieces: Pieces of a sentence.

    Returns:
        Increasing list that begins with 0; `[]` for no pieces.

    Example:

    >>> word_starts(["\u2581I", "\u2581slee", "p", ".", "</s>"])
    [0, 1, 4]
    """
    return [
        i
        for i, piece in enumerate(pieces)
        if i == 0
        or piece.startswith(SPACE)
        or piece in SPECIAL
        or pieces[i - 1] in SPECIAL
    ]


def text_of(pieces: Sequence[str]) -> str:
    """The text of pieces; bytes are joined to characters.

    Args:
        pieces: Pieces, some of which may be bytes such as `"<0xEA>"`.

    Returns:
        The text without spaces at its ends; malformed bytes become U+FFFD.

    Example:

    >>> text_of(["\u2581", "<0xEA>", "<0xB0>", "<0x80>", "다"])
    '가다'
    """
    parts = []
    for piece in pieces:
        byte = _BYTE.fullmatch(piece)
        parts.append(bytes.fromhex(byte[1]) if byte else piece.encode())
    text = b"".join(parts).decode(errors="replace")
    return text.replace(SPACE, " ").strip()


def words(pieces: Sequence[str]) -> list[str]:
    """The words that the pieces form, one for each of `word_starts`.

    Example:

    >>> words(["\u2581I", "\u2581slee", "p", ".", "</s>"])
    ['I', 'sleep.', '</s>']
    """
    starts = word_starts(pieces)
    ends = [*starts, len(pieces)][1:]
    return [text_of(pieces[i:j]) for i, j in zip(starts, ends, strict=True)]
