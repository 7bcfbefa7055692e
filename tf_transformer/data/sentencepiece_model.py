"""The contents of a SentencePiece model, with our special ids."""

import dataclasses
import struct

import sentencepiece
from google.protobuf.message import DecodeError
from sentencepiece import sentencepiece_model_pb2

from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID, UNK_ID

UNKNOWN_PENALTY = 10.0  # SentencePiece: an unknown character scores min_score - 10

ModelProto = sentencepiece_model_pb2.ModelProto
_Trainer = sentencepiece_model_pb2.TrainerSpec
_Piece = ModelProto.SentencePiece
# in the order of our ids 0 to 3
_SPECIAL = (("pad", "<pad>"), ("unk", "<unk>"), ("bos", "<s>"), ("eos", "</s>"))


def with_package_ids(serialized: bytes) -> bytes:
    """Changes the ids of padding, unknown, start and end to 0, 1, 2 and 3.

    Missing special pieces are added; the other pieces keep their order. Text is split
    into the same pieces as before.

    Args:
        serialized: A serialized SentencePiece model with any special ids.

    Returns:
        A serialized model; `serialized` itself if it already has these ids.

    Raises:
        ValueError: If it is not a SentencePiece model.
    """
    processor = load_processor(serialized)
    model = _parse(serialized)
    ids = [processor.pad_id(), None, processor.bos_id(), processor.eos_id()]
    kinds = [piece.type for piece in model.pieces]
    # spec.unk_piece may name another piece than the one that is unknown
    ids[UNK_ID] = kinds.index(_Piece.UNKNOWN) if _Piece.UNKNOWN in kinds else -1
    is_named = processor.unk_id() == ids[UNK_ID]
    if is_named and ids == [PAD_ID, UNK_ID, BOS_ID, EOS_ID]:
        return serialized
    names = {piece.piece for piece in model.pieces}
    special = []
    for token_id, (role, name) in enumerate(_SPECIAL):
        if ids[token_id] >= 0 and ids[token_id] not in ids[:token_id]:
            piece = model.pieces[ids[token_id]]
        else:
            ids[token_id] = -1
            while name in names:
                name = f"<{name}>"
            names.add(name)
            kind = _Piece.UNKNOWN if token_id == UNK_ID else _Piece.CONTROL
            piece = _Piece(piece=name, score=0.0, type=kind)
        special.append(piece)
        setattr(model.trainer_spec, f"{role}_id", token_id)
        setattr(model.trainer_spec, f"{role}_piece", piece.piece)
    other_pieces = [piece for i, piece in enumerate(model.pieces) if i not in ids]
    pieces = [_Piece.FromString(p.SerializeToString()) for p in special + other_pieces]
    del model.pieces[:]
    model.pieces.extend(pieces)
    return model.SerializeToString(deterministic=True)


def load_processor(serialized: bytes) -> sentencepiece.SentencePieceProcessor:
    """Returns the library's processor for a serialized model.

    Raises:
        ValueError: If it is not a SentencePiece model.
    """
    try:
        processor = sentencepiece.SentencePieceProcessor()
        processor.load_from_serialized_proto(serialized)
        size = processor.get_piece_size()
        processor.id_to_piece(list(range(size)))  # raises unless all are UTF-8
    except (RuntimeError, OSError, UnicodeDecodeError):  # also damaged messages
        size = 0
    if not size:
        raise ValueError(
            "The vocabulary cannot be read. Expected a serialized SentencePiece model. "
            f"Received: {len(serialized)} bytes"
        )
    return processor


@dataclasses.dataclass(frozen=True)
class SentencePieceModel:
    """The contents of a unigram, BPE or character model.

    Attributes:
        model_type: `"unigram"`, `"bpe"` or `"char"`.
        pieces: The text of each id.
        scores: Score of each id: a unigram's natural log probability, or the priority
            of a merge.
        kinds: Type of each id: normal, control, unknown, user-defined, byte, unused.
        byte_fallback: Whether an unknown character becomes its UTF-8 bytes.
        unknown_surface: The text of an unknown token.
        add_dummy_prefix: Whether a space is put before each text.
        remove_extra_whitespaces: Whether runs of spaces become one space, and spaces
            at both ends are removed.
        escape_whitespaces: Whether a space becomes "▁".
        rules: The normalization rules: a Darts double-array trie of little-endian
            32-bit units from UTF-8 to an offset in `replacements`.
        replacements: UTF-8 strings, each ended by a zero byte.

    Example:

    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> tokenizer = Tokenizer.train([("two words", "두 낱말")], vocab_size=300)
    >>> model = SentencePieceModel.parse(tokenizer.source_model)
    >>> model.pieces[:5], model.byte_fallback, model.byte_ids[0]
    (['<pad>', '<unk>', '<s>', '</s>', '<0x00>'], True, 4)
    """

    model_type: str
    pieces: list[str]
    scores: list[float]
    kinds: list[int]
    byte_fallback: bool
    unknown_surface: str
    add_dummy_prefix: bool
    remove_extra_whitespaces: bool
    escape_whitespaces: bool
    rules: bytes
    replacements: bytes

    NORMAL = _Piece.NORMAL
    CONTROL = _Piece.CONTROL
    UNKNOWN = _Piece.UNKNOWN
    USER_DEFINED = _Piece.USER_DEFINED
    BYTE = _Piece.BYTE
    UNUSED = _Piece.UNUSED

    @classmethod
    def parse(cls, serialized: bytes) -> "SentencePieceModel":
        """Reads a serialized model with our special ids.

        Raises:
            ValueError: If it is not a SentencePiece model, or if an exported graph
                cannot reproduce it exactly.
        """
        model = _parse(serialized)
        _refuse_unsupported(model)
        charsmap = model.normalizer_spec.precompiled_charsmap
        end = 4 + struct.unpack_from("<I", charsmap)[0] if charsmap else 4
        parsed = cls(
            model_type=_model_type(model),
            pieces=[piece.piece for piece in model.pieces],
            scores=[piece.score for piece in model.pieces],
            kinds=[piece.type for piece in model.pieces],
            byte_fallback=model.trainer_spec.byte_fallback,
            unknown_surface=model.trainer_spec.unk_surface,
            add_dummy_prefix=model.normalizer_spec.add_dummy_prefix,
            remove_extra_whitespaces=model.normalizer_spec.remove_extra_whitespaces,
            escape_whitespaces=model.normalizer_spec.escape_whitespaces,
            rules=charsmap[4:end],
            replacements=charsmap[end:],
        )
        try:
            replacements = parsed.replacements.decode()
        except UnicodeDecodeError as error:
            raise _refusal("normalization to UTF-8", "other bytes") from error
        texts = [*replacements.split("\0"), *parsed.user_defined_pieces]
        if parsed.remove_extra_whitespaces and any("  " in text for text in texts):
            raise _refusal(
                "normalization rules and user-defined symbols with single spaces, or "
                "remove_extra_whitespaces=False",
                "one with two spaces",
            )
        return parsed

    @property
    def text_pieces(self) -> dict[str, int]:
        """The pieces that a text may be split into, with their ids."""
        return self._pieces_of(self.NORMAL, self.USER_DEFINED)

    @property
    def user_defined_pieces(self) -> dict[str, int]:
        """The user-defined symbols with their ids."""
        return self._pieces_of(self.USER_DEFINED)

    @property
    def mergeable_pieces(self) -> dict[str, int]:
        """The pieces that BPE's merges build, with their ids."""
        return self._pieces_of(self.NORMAL, self.UNUSED)

    @property
    def byte_ids(self) -> dict[int, int]:
        """The id of each byte."""
        pieces = self._pieces_of(self.BYTE)
        return {int(piece[3:5], 16): token_id for piece, token_id in pieces.items()}

    @property
    def unigram_scores(self) -> list[float]:
        """The scores that a unigram model uses to split text."""
        return [
            # a user-defined symbol has no probability and is always preferred
            0.1 * (len(piece.encode()) - 1) if kind == self.USER_DEFINED else score
            for piece, score, kind in zip(
                self.pieces, self.scores, self.kinds, strict=True
            )
        ]

    @property
    def unknown_score(self) -> float:
        """A unigram model's score of a character that no piece contains."""
        ids = self._pieces_of(self.NORMAL).values()
        return min(self.scores[token_id] for token_id in ids) - UNKNOWN_PENALTY

    def _pieces_of(self, *kinds: int) -> dict[str, int]:
        return {
            piece: token_id
            for token_id, (piece, kind) in enumerate(
                zip(self.pieces, self.kinds, strict=True)
            )
            if kind in kinds
        }


def _parse(serialized: bytes):
    model = ModelProto()
    try:
        model.ParseFromString(serialized)
    except DecodeError as error:
        raise ValueError(
            "The vocabulary cannot be read. Expected a serialized SentencePiece model. "
            f"Received: {len(serialized)} bytes"
        ) from error
    return model


def _model_type(model) -> str:
    return _Trainer.ModelType.Name(model.trainer_spec.model_type).lower()


def _refuse_unsupported(model) -> None:
    trainer, kinds = model.trainer_spec, [piece.type for piece in model.pieces]
    if _model_type(model) not in ("unigram", "bpe", "char"):
        expected = "model_type unigram, bpe or char"
        raise _refusal(expected, f"model_type={_model_type(model)}")
    if trainer.treat_whitespace_as_suffix:
        raise _refusal("spaces before words", "treat_whitespace_as_suffix=True")
    if model.denormalizer_spec.precompiled_charsmap:
        raise _refusal("no denormalization", "denormalization rules")
    if _Piece.NORMAL not in kinds:
        raise _refusal("normal pieces", "none")


def _refusal(expected: str, received: str) -> ValueError:
    return ValueError(
        "This SentencePiece model is not supported: an exported graph would not split "
        f"text exactly as it does. Expected {expected}. Received: {received}"
    )
