"""Text to ids and back: SentencePiece unigram pieces with byte fallback."""

import io
import itertools
import os
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import sentencepiece

from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from tf_transformer.utils.atomic import replacing

CHARACTER_COVERAGE = 0.9999  # of the running text; rarer characters become bytes
MAX_PAIRS = 500_000  # a vocabulary is learnt from, so that any corpus fits in memory

# SentencePiece's time grows with the square of a word's length: longer texts are
# learnt from in parts
_MAX_CHARACTERS = 2_000

_SHARED_FILES = ("tokenizer.model",)
_SEPARATE_FILES = ("source.model", "target.model")


class Tokenizer:
    """A SentencePiece vocabulary for both sides, or one for each side.

    Ids: padding 0, unknown 1, start 2, end 3. Characters that the vocabulary does not
    hold are written as bytes, so nothing is ever unknown. Text is normalized by the
    rules `nmt_nfkc`: compatible forms are written alike, control characters dropped,
    spaces merged and cut at both ends.

    Args:
        source_model: Serialized SentencePiece model.
        target_model: Optional serialized model of the target's own vocabulary. By
            default one vocabulary serves both sides.

    Attributes:
        source_model: Serialized model of the source, or of both sides.
        target_model: Serialized model of the target's own vocabulary, or `None`.
        vocab_size: Pieces of the source's vocabulary, its true size.
        target_vocab_size: Pieces of the target's own vocabulary, or `None`.

    Raises:
        ValueError: If a model is not a SentencePiece model with these ids.

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
        self._source = self._target = _processor(source_model)
        self.vocab_size = self._source.get_piece_size()
        self.target_vocab_size = None
        if target_model is not None:
            self._target = _processor(target_model)
            self.target_vocab_size = self._target.get_piece_size()

    @classmethod
    def train(
        cls,
        pairs: Iterable[tuple[str, str]],
        vocab_size: int = 8000,
        shared: bool = True,
    ) -> "Tokenizer":
        """Learns the vocabulary from pairs of sentences.

        The same pairs give the same vocabulary, on every machine. Of more than
        500,000 pairs it learns from so many, drawn at random but always the same;
        only these are in memory. Texts of more than 2,000 characters are learnt from
        in parts of that length.

        Args:
            pairs: (source, target) sentences, read once.
            vocab_size: The most pieces of a vocabulary; small data gives fewer.
                Defaults to 8000.
            shared: `False` learns one vocabulary for each side.

        Raises:
            ValueError: If there is no text, or `vocab_size` is too small for it.
        """
        chosen = _sample(pairs, MAX_PAIRS)
        sources = [source for source, _ in chosen]
        targets = [target for _, target in chosen]
        if shared:
            return cls(_train(sources + targets, vocab_size))
        return cls(_train(sources, vocab_size), _train(targets, vocab_size))

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

    def source_pieces(self, texts: Sequence[str]) -> list[list[str]]:
        """The pieces behind the ids of `encode_source`, one for one."""
        return [self._source.id_to_piece(ids) for ids in self.encode_source(texts)]

    def target_pieces(self, texts: Sequence[str]) -> list[list[str]]:
        """The pieces behind the ids of `encode_target`, one for one."""
        return self.target_pieces_of(self.encode_target(texts))

    def target_pieces_of(self, rows: Sequence[Sequence[int]]) -> list[list[str]]:
        """The pieces behind target ids, one for one."""
        return [self._target.id_to_piece(list(ids)) for ids in rows]

    def source_vocabulary(self) -> list[str]:
        """All pieces of the source's vocabulary, in the order of their ids."""
        return self._source.id_to_piece(list(range(self._source.get_piece_size())))

    def target_vocabulary(self) -> list[str]:
        """All pieces of the target's vocabulary, in the order of their ids."""
        return self._target.id_to_piece(list(range(self._target.get_piece_size())))

    def save(self, folder: str | os.PathLike) -> None:
        """Writes `tokenizer.model`, or `source.model` and `target.model`.

        Files of another tokenizer in the folder are replaced; each file is either
        whole or not there.
        """
        if self.target_model is None:
            files = dict(zip(_SHARED_FILES, [self.source_model], strict=True))
        else:
            models = [self.source_model, self.target_model]
            files = dict(zip(_SEPARATE_FILES, models, strict=True))
        for name, model in files.items():
            with replacing(Path(folder, name)) as temporary:
                temporary.write_bytes(model)
        for name in {*_SHARED_FILES, *_SEPARATE_FILES} - set(files):
            Path(folder, name).unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "Tokenizer":
        """Reads what `save` wrote.

        Raises:
            FileNotFoundError: If the folder holds no tokenizer.
            ValueError: If a file is no SentencePiece model.
        """
        names = _SHARED_FILES
        if not Path(folder, names[0]).exists():
            names = _SEPARATE_FILES
        paths = [Path(folder, name) for name in names]
        if not all(path.exists() for path in paths):
            raise FileNotFoundError(
                "The folder holds no tokenizer. Expected tokenizer.model, or "
                f"source.model and target.model. Received: {folder}"
            )
        models = [path.read_bytes() for path in paths]
        for path, model in zip(paths, models, strict=True):
            try:
                _processor(model)
            except ValueError as error:
                raise ValueError(f"{path} cannot be used. {error}") from error
        return cls(*models)


def _sample(pairs: Iterable[tuple[str, str]], size: int) -> list[tuple[str, str]]:
    """At most `size` of the pairs: all, or a sample in which each is as likely."""
    remaining = iter(pairs)
    chosen = list(itertools.islice(remaining, size))
    generator = random.Random(0)
    for number, pair in enumerate(remaining, start=size):
        place = int(generator.random() * (number + 1))
        if place < size:
            chosen[place] = pair
    return chosen


def _train(texts: list[str], vocab_size: int) -> bytes:
    lines = [
        text[start : start + _MAX_CHARACTERS]
        for text in texts
        if text.strip()
        for start in range(0, len(text), _MAX_CHARACTERS)
    ]
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
            character_coverage=CHARACTER_COVERAGE,
            normalization_rule_name="nmt_nfkc",
            # longer lines would be left out: none is
            max_sentence_length=max(len(line.encode()) for line in lines) + 10,
            pad_id=PAD_ID,
            unk_id=UNK_ID,
            bos_id=BOS_ID,
            eos_id=EOS_ID,
            num_threads=1,  # the sums of several threads depend on their number
            minloglevel=2,
        )
    except (RuntimeError, OSError) as error:
        raise ValueError(
            f"The vocabulary could not be learnt: {error}. Expected a vocab_size that "
            "holds 260 special pieces and bytes and every common character. "
            f"Received: vocab_size={vocab_size}"
        ) from error
    return model.getvalue()


def _processor(model: bytes) -> sentencepiece.SentencePieceProcessor:
    try:
        processor = sentencepiece.SentencePieceProcessor()
        processor.load_from_serialized_proto(model)
        size = processor.get_piece_size()
    except (RuntimeError, OSError):
        size = 0
    if not size:
        raise ValueError(
            "A vocabulary cannot be read. Expected a serialized SentencePiece model. "
            f"Received: {len(model)} bytes"
        )
    special = ("pad_id", "unk_id", "bos_id", "eos_id")
    received = {name: getattr(processor, name)() for name in special}
    if list(received.values()) != [PAD_ID, UNK_ID, BOS_ID, EOS_ID]:
        raise ValueError(
            "The vocabulary has other special ids than the model. Expected pad, unk, "
            f"bos and eos at 0, 1, 2 and 3. Received: {received}"
        )
    return processor


def _encode(processor, texts: Sequence[str]) -> list[list[int]]:
    if isinstance(texts, (str, bytes)):
        raise ValueError(
            "Texts are read many at a time. Expected a list of texts. "
            f"Received: one text, {texts!r}"
        )
    texts = list(texts)
    try:
        return [ids + [EOS_ID] for ids in processor.encode(texts)]
    except TypeError as error:
        wrong = [text for text in texts if not _is_text(text)]
        raise ValueError(
            "A text cannot be read. Expected strings without lone surrogates. "
            f"Received: {wrong[:1]}"
        ) from error


def _is_text(text) -> bool:
    try:
        return isinstance(text, bytes) or bool(str.encode(text)) or not text
    except (TypeError, UnicodeEncodeError):
        return False


def _decode(processor, rows: Sequence[Sequence[int]]) -> list[str]:
    texts = []
    for row in rows:
        try:
            ids = [int(token_id) for token_id in row]
        except TypeError as error:
            raise ValueError(
                "Ids are read many texts at a time. Expected a list of ids for each "
                f"text. Received: {row!r} as one of them"
            ) from error
        if EOS_ID in ids:
            ids = ids[: ids.index(EOS_ID)]
        # padding and start read as nothing
        texts.append(processor.decode(ids))
    return texts
