"""A tokenizer for another program's vocabulary, and its embedding rows."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tf_transformer.data.sentencepiece_model import ModelProto, load_processor
from tf_transformer.data.tokenizer import Tokenizer
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID, UNK_ID

# The logit of a token that is not in the other model: exp(-1000) is 0 in float32. A
# much lower logit would dominate a loss with label smoothing.
NO_LOGIT = -1000.0
NO_ROW = -1
LANGUAGE = re.compile(r">>.+<<")  # OPUS-MT: the first token names the target language

_Piece = ModelProto.SentencePiece


class Rows(NamedTuple):
    """The row of each of our tokens in another model's embedding.

    Attributes:
        rows: For each of our ids, its row in the other embedding, or -1.
        is_generated: For each of our ids, whether the other model can generate it.
        count: The number of rows of the other embedding.
    """

    rows: np.ndarray
    is_generated: np.ndarray
    count: int

    def embedding(self, matrix: np.ndarray) -> np.ndarray:
        """Returns our embedding; a token without a row is zero."""
        return np.where((self.rows >= 0)[:, None], matrix[self.rows], np.float32(0))

    def bias(self, bias: np.ndarray) -> np.ndarray:
        """Returns our output bias; `NO_LOGIT` for tokens that are not generated."""
        return np.where(self.is_generated, bias[self.rows], np.float32(NO_LOGIT))


class Vocabularies(NamedTuple):
    """A tokenizer, and the embedding rows of the tokens of both sides."""

    tokenizer: Tokenizer
    source: Rows
    target: Rows


def from_sentencepiece(source: bytes, target: bytes | None) -> Vocabularies:
    """Makes vocabularies from SentencePiece models whose ids are the rows.

    Args:
        source: The serialized model of the source, or of both sides.
        target: Optional serialized model of the target's own vocabulary.

    Raises:
        ValueError: If a model cannot be used.
    """
    tokenizer = Tokenizer(source, target)
    source_rows = _model_rows(source, tokenizer.source_vocabulary())
    if target is None:
        return Vocabularies(tokenizer, source_rows, source_rows)
    target_rows = _model_rows(target, tokenizer.target_vocabulary())
    return Vocabularies(tokenizer, source_rows, target_rows)


def _model_rows(serialized: bytes, pieces: list[str]) -> Rows:
    processor = load_processor(serialized)
    size = processor.get_piece_size()
    row_of = {piece: i for i, piece in enumerate(processor.id_to_piece(range(size)))}
    rows = np.array([row_of.get(piece, NO_ROW) for piece in pieces])
    return Rows(rows, rows >= 0, size)


def from_shared_pieces(
    pieces: Mapping[str, int], source: bytes, target: bytes, special: "Special"
) -> Vocabularies:
    """Makes one vocabulary; each side has a SentencePiece model to split its text.

    A piece that is not in the model of a side never occurs in its text, unless it is a
    single character that the model does not know. A piece that is in a model but not
    in the vocabulary gets a new id after the others. Its row is that of the unknown
    token, as in the other program, and it is never generated.

    Args:
        pieces: The vocabulary: rows by piece, 0 to V - 1.
        source: Serialized model of the source.
        target: Serialized model of the target.
        special: The vocabulary's special pieces.

    Raises:
        ValueError: If the vocabulary or a model cannot be used.
    """
    models = [_parse(source), _parse(target)]
    table = _PieceTable(pieces, models, special)
    tokenizer = Tokenizer(*(table.model(model) for model in models), shared=True)
    return Vocabularies(tokenizer, table.rows, table.rows)


def from_separate_pieces(
    source_pieces: Mapping[str, int],
    target_pieces: Mapping[str, int],
    source: bytes,
    target: bytes,
    special: "Special",
) -> Vocabularies:
    """Like `from_shared_pieces`, with a vocabulary for each side."""
    models = [_parse(source), _parse(target)]
    tables = [
        _PieceTable(pieces, [model], special)
        for pieces, model in zip((source_pieces, target_pieces), models, strict=True)
    ]
    own = [t.model(m) for t, m in zip(tables, models, strict=True)]
    tokenizer = Tokenizer(own[0], own[1])
    return Vocabularies(tokenizer, *(table.rows for table in tables))


class Special(NamedTuple):
    """Names of special pieces; `None` if the vocabulary has no such piece."""

    pad: str | None = "<pad>"
    unk: str = "<unk>"
    eos: str = "</s>"
    bos: str | None = None


class _PieceTable:
    """The pieces of a vocabulary in the order of our ids."""

    def __init__(self, pieces: Mapping[str, int], models, special: Special):
        _check_pieces(pieces, special)
        bos = special.bos if special.bos in pieces else None
        names = (special.pad, special.unk, bos, special.eos)
        taken = {*pieces, *(p.piece for model in models for p in model.pieces)}
        self.pieces, rows = [], []
        for piece, usual in zip(names, ("<pad>", "<unk>", "<s>", "</s>"), strict=True):
            self.pieces.append(piece or _free_name(usual, taken))
            rows.append(NO_ROW if piece is None else pieces[piece])
        others = sorted(pieces.keys() - set(self.pieces), key=pieces.__getitem__)
        # a language token is the first word of a text, and includes the space before it
        space = "▁" if models[0].normalizer_spec.add_dummy_prefix else ""
        self._languages = {
            space + piece
            for piece in others
            if LANGUAGE.fullmatch(piece) and space + piece not in pieces
        }
        named = {language.removeprefix(space): language for language in self._languages}
        self.pieces += [named.get(piece, piece) for piece in others]
        rows += [pieces[piece] for piece in others]
        num_generated, present = len(rows), set(self.pieces)
        # a dictionary keeps the order of the models
        lacking = dict.fromkeys(
            piece.piece
            for model in models
            for piece in model.pieces
            if piece.piece not in present
            and piece.type not in (_Piece.CONTROL, _Piece.UNKNOWN, _Piece.UNUSED)
        )
        self.pieces += lacking
        rows += [pieces[special.unk]] * len(lacking)
        rows = np.array(rows)
        is_generated = (rows >= 0) & (np.arange(len(rows)) < num_generated)
        self.rows = Rows(rows, is_generated, len(pieces))

    def model(self, model) -> bytes:
        """A SentencePiece model with these pieces that splits text as `model` does."""
        known = {piece.piece: piece for piece in model.pieces}
        characters = _unknown_characters(self.pieces, model)
        least = min((piece.score for piece in model.pieces), default=0.0)
        made = ModelProto()
        made.CopyFrom(model)
        del made.pieces[:]
        for token_id, piece in enumerate(self.pieces):
            entry = made.pieces.add(piece=piece, score=least - 1, type=_Piece.UNUSED)
            if token_id in (PAD_ID, BOS_ID, EOS_ID):
                entry.type, entry.score = _Piece.CONTROL, 0.0
            elif token_id == UNK_ID:
                entry.type, entry.score = _Piece.UNKNOWN, 0.0
            elif piece in known and known[piece].type != _Piece.UNKNOWN:
                entry.score, entry.type = known[piece].score, known[piece].type
            elif piece in characters or piece in self._languages:
                entry.type = _Piece.USER_DEFINED
        spec = made.trainer_spec
        for role, token_id in zip(("pad", "unk", "bos", "eos"), range(4), strict=True):
            setattr(spec, f"{role}_id", token_id)
            setattr(spec, f"{role}_piece", self.pieces[token_id])
        spec.vocab_size = len(self.pieces)
        return made.SerializeToString(deterministic=True)


def _check_pieces(pieces: Mapping[str, int], special: Special) -> None:
    if set(pieces.values()) != set(range(len(pieces))):
        raise ValueError(
            "The vocabulary cannot be imported. Expected the ids 0 to "
            f"{len(pieces) - 1}, each once. Received: other ids"
        )
    for piece in (special.pad, special.unk, special.eos):
        if piece is not None and piece not in pieces:
            raise ValueError(
                f"The vocabulary cannot be imported. Expected the piece {piece!r}. "
                f"Received: {len(pieces)} pieces without it"
            )


def _unknown_characters(pieces: list[str], model) -> set[str]:
    """Pieces of one character that does not occur in any piece of a model.

    SentencePiece returns such a character unchanged, as unknown, and the other program
    looks it up in the vocabulary.
    """
    if model.trainer_spec.byte_fallback:
        return set()
    known = {
        character
        for piece in model.pieces
        if piece.type in (_Piece.NORMAL, _Piece.USER_DEFINED)
        for character in piece.piece
    }
    processor = load_processor(model.SerializeToString())
    return {
        piece
        for piece in pieces
        if len(piece) == 1
        and piece not in known
        and processor.normalize(piece).strip("▁ ") == piece
    }


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"<{name}>"
    return name


def _parse(serialized: bytes):
    load_processor(serialized)  # raises a ValueError for other bytes
    return ModelProto.FromString(serialized)
