"""Text to ids and back: SentencePiece unigram pieces with byte fallback."""

import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import sentencepiece

from tf_transformer.atomic import replacing

PAD_ID, UNK_ID, BOS_ID, EOS_ID = 0, 1, 2, 3
LONGEST_LINE = 1 << 16  # bytes of a line that a vocabulary is learnt from


class Tokenizer:
    """A SentencePiece vocabulary for both sides, or one for each side.

    Ids: padding 0, unknown 1, start 2, end 3. Characters that the vocabulary does not
    hold are written as bytes, so nothing is ever unknown.

    Args:
        source_model: Serialized SentencePiece model.
        target_model: Optional serialized model of the target's own vocabulary. By
            default one vocabulary serves both sides.

    Attributes:
        vocab_size: Pieces of the source's vocabulary, its true size.
        target_vocab_size: Pieces of the target's own vocabulary, or `None`.

    Example:

    >>> pairs = [("a cat sat", "고양이가 앉았다"), ("a dog ran", "개가 달렸다")]
    >>> tokenizer = Tokenizer.train(pairs, vocab_size=320)
    >>> ids = tokenizer.encode_source(["a cat ran"])
    >>> ids[0][-1]
    3
    >>> tokenizer.decode_target(ids)
    ['a cat ran']
    """

    def __init__(self, source_model: bytes, target_model: bytes | None = None):
        self.source_model = source_model
        self.target_model = target_model
        self._source = _processor(source_model)
        self._target = self._source if target_model is None else _processor(target_model)
        self.vocab_size = self._source.get_piece_size()
        self.target_vocab_size = (
            None if target_model is None else self._target.get_piece_size()
        )

    @classmethod
    def train(
        cls,
        pairs: Iterable[tuple[str, str]],
        vocab_size: int = 8000,
        shared: bool = True,
    ) -> "Tokenizer":
        """Learns the vocabulary from pairs of sentences.

        Args:
            pairs: (source, target) sentences.
            vocab_size: The most pieces of a vocabulary; small data gives fewer.
                Defaults to 8000.
            shared: `False` learns one vocabulary for each side.

        Raises:
            ValueError: If there is no text, or `vocab_size` is too small for it.
        """
        pairs = list(pairs)
        sides = [[source for source, _ in pairs], [target for _, target in pairs]]
        if shared:
            return cls(_train(sides[0] + sides[1], vocab_size))
        return cls(*(_train(side, vocab_size) for side in sides))

    def encode_source(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each source text, ended by the end token; a blank text is [3]."""
        return _encode(self._source, texts)

    def encode_target(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each target text, ended by the end token; a blank text is [3]."""
        return _encode(self._target, texts)

    def decode_source(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Texts of source ids, up to the first end token."""
        return _decode(self._source, rows)

    def decode_target(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Texts of target ids, up to the first end token."""
        return _decode(self._target, rows)

    def save(self, folder: str | os.PathLike) -> None:
        """Writes `tokenizer.model`, or `source.model` and `target.model`."""
        models = {"tokenizer.model": self.source_model}
        if self.target_model is not None:
            models = {
                "source.model": self.source_model,
                "target.model": self.target_model,
            }
        for name, model in models.items():
            with replacing(Path(folder, name)) as temporary:
                temporary.write_bytes(model)

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "Tokenizer":
        """Reads what `save` wrote.

        Raises:
            FileNotFoundError: If the folder holds no tokenizer.
            ValueError: If a file is no SentencePiece model.
        """
        names = ["tokenizer.model"]
        if not Path(folder, names[0]).exists():
            names = ["source.model", "target.model"]
        paths = [Path(folder, name) for name in names]
        if not all(path.exists() for path in paths):
            raise FileNotFoundError(
                "The folder holds no tokenizer. Expected tokenizer.model, or "
                f"source.model and target.model. Received: {folder}"
            )
        for path in paths:
            try:
                _processor(path.read_bytes())
            except RuntimeError as error:
                raise ValueError(
                    f"{path} is not a SentencePiece model. Received: "
                    f"{path.stat().st_size} bytes"
                ) from error
        return cls(*(path.read_bytes() for path in paths))


def _train(texts: list[str], vocab_size: int) -> bytes:
    lines = [text for text in texts if text.strip()]
    if not lines:
        raise ValueError(
            "There is no text to learn a vocabulary from. Expected pairs of sentences. "
            f"Received: {len(texts)} blank texts"
        )
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type="unigram",
            vocab_size=vocab_size,
            hard_vocab_limit=False,
            byte_fallback=True,
            character_coverage=0.9999,
            normalization_rule_name="nmt_nfkc",
            max_sentence_length=LONGEST_LINE,
            pad_id=PAD_ID,
            unk_id=UNK_ID,
            bos_id=BOS_ID,
            eos_id=EOS_ID,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise ValueError(
            f"The vocabulary could not be learnt: {error}. Expected a vocab_size that "
            "holds 260 special pieces and bytes and every common character. "
            f"Received: vocab_size={vocab_size}"
        ) from error
    return model.getvalue()


def _processor(model: bytes) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_proto=model)


def _encode(processor, texts: Sequence[str]) -> list[list[int]]:
    if isinstance(texts, (str, bytes)):
        raise ValueError(f"Expected a list of texts. Received: one text, {texts!r}")
    return [ids + [EOS_ID] for ids in processor.encode(list(texts))]


def _decode(processor, rows: Sequence[Sequence[int]]) -> list[str]:
    texts = []
    for row in rows:
        ids = [int(token_id) for token_id in row]
        if EOS_ID in ids:
            ids = ids[: ids.index(EOS_ID)]
        texts.append(processor.decode([i for i in ids if i not in (PAD_ID, BOS_ID)]))
    return texts
