"""What the exported graph needs to know of a SentencePiece model."""

import dataclasses
import struct

from google.protobuf.message import DecodeError
from sentencepiece import sentencepiece_model_pb2

from tf_transformer.data.tokenizer import BOS_ID, EOS_ID, PAD_ID, UNK_ID

UNKNOWN_PENALTY = 10.0  # SentencePiece: an unknown character scores min_score - 10
_UNIGRAM = sentencepiece_model_pb2.TrainerSpec.UNIGRAM
_Piece = sentencepiece_model_pb2.ModelProto.SentencePiece


@dataclasses.dataclass(frozen=True)
class SentencePieceModel:
    """A unigram model as plain values.

    Attributes:
        pieces: The text of each id.
        scores: Natural log probability of each id.
        kinds: Type of each id: normal, control, unknown, byte or unused.
        byte_fallback: Whether an unknown character is written as its bytes.
        unknown_surface: What an unknown token reads as.
        add_dummy_prefix: Whether a space is put before each text.
        remove_extra_whitespaces: Whether spaces are merged and cut at both ends.
        escape_whitespaces: Whether a space is written as "▁".
        rules: The normalization rules: a Darts double-array trie of little-endian
            32-bit units from UTF-8 to an offset in `replacements`.
        replacements: What the rules write: UTF-8 strings, each ended by a zero byte.

    Example:

    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> tokenizer = Tokenizer.train([("two words", "두 낱말")], vocab_size=300)
    >>> model = SentencePieceModel.parse(tokenizer.source_model)
    >>> model.pieces[:5], model.byte_fallback, model.byte_ids[0]
    (['<pad>', '<unk>', '<s>', '</s>', '<0x00>'], True, 4)
    """

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
    BYTE = _Piece.BYTE

    @classmethod
    def parse(cls, serialized: bytes) -> "SentencePieceModel":
        """Reads a serialized model.

        Raises:
            ValueError: If it is no SentencePiece model, or one of a kind that the graph
                does not follow exactly.
        """
        model = sentencepiece_model_pb2.ModelProto()
        try:
            model.ParseFromString(serialized)
        except DecodeError as error:
            raise ValueError(
                "The tokenizer cannot be read. Expected a serialized SentencePiece "
                f"model. Received: {len(serialized)} bytes"
            ) from error
        _refuse_what_differs(model)
        charsmap = model.normalizer_spec.precompiled_charsmap
        end = 4 + struct.unpack_from("<I", charsmap)[0] if charsmap else 4
        parsed = cls(
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
        if b"  " in parsed.replacements and parsed.remove_extra_whitespaces:
            raise _refusal("rules that write one space", "a rule that writes two")
        return parsed

    @property
    def text_pieces(self) -> dict[str, int]:
        """The pieces that may be found in a text, with their ids."""
        return {
            piece: token_id
            for token_id, (piece, kind) in enumerate(
                zip(self.pieces, self.kinds, strict=True)
            )
            if kind == self.NORMAL
        }

    @property
    def byte_ids(self) -> dict[int, int]:
        """The id of each byte."""
        return {
            int(piece[3:5], 16): token_id
            for token_id, (piece, kind) in enumerate(
                zip(self.pieces, self.kinds, strict=True)
            )
            if kind == self.BYTE
        }

    @property
    def unknown_score(self) -> float:
        """Score of a character that no piece holds."""
        scores = [self.scores[token_id] for token_id in self.text_pieces.values()]
        return min(scores) - UNKNOWN_PENALTY


def _refuse_what_differs(model) -> None:
    trainer, kinds = model.trainer_spec, [piece.type for piece in model.pieces]
    if trainer.model_type != _UNIGRAM:
        raise _refusal("model_type=unigram (1)", f"model_type={trainer.model_type}")
    if trainer.treat_whitespace_as_suffix:
        raise _refusal("spaces before words", "treat_whitespace_as_suffix=True")
    if _Piece.USER_DEFINED in kinds:
        raise _refusal("no user-defined symbols", "some user-defined symbols")
    if model.denormalizer_spec.precompiled_charsmap:
        raise _refusal("no denormalization", "denormalization rules")
    special = [PAD_ID, UNK_ID, BOS_ID, EOS_ID]
    expected = [_Piece.CONTROL, _Piece.UNKNOWN, _Piece.CONTROL, _Piece.CONTROL]
    if [kinds[token_id] for token_id in special if token_id < len(kinds)] != expected:
        raise _refusal("pad, unk, bos, eos at ids 0, 1, 2, 3", f"types {kinds[:4]}")
    if _Piece.NORMAL not in kinds:
        raise _refusal("pieces of text", "none")
    if trainer.byte_fallback and kinds.count(_Piece.BYTE) != 256:
        raise _refusal("256 byte pieces", f"{kinds.count(_Piece.BYTE)} of them")


def _refusal(expected: str, received: str) -> ValueError:
    return ValueError(
        "The exported graph would differ from this SentencePiece model. "
        f"Expected {expected}. Received: {received}"
    )
