"""Text to ids and back with SentencePiece."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from tf_transformer.data import sentencepiece_trainer as trainer
from tf_transformer.data.sentencepiece_model import (
    SentencePieceModel,
    load_processor,
    with_package_ids,
)
from tf_transformer.data.sentencepiece_texts import (
    convert_rows,
    decode_rows,
    encode_texts,
)
from tf_transformer.utils.atomic import replacing

MAX_PAIRS = 500_000  # a vocabulary is trained on, so that any corpus fits in memory

_SHARED_FILES = ("tokenizer.model",)
_TWO_NORMALIZATIONS_FILES = ("tokenizer.model", "tokenizer.target.model")
_SEPARATE_FILES = ("source.model", "target.model")


class Tokenizer:
    """A SentencePiece vocabulary for both sides, or one for each side.

    Any unigram, BPE or character model of SentencePiece can be used. Its special ids
    become padding 0, unknown 1, start 2 and end 3; missing special pieces are added,
    and the other pieces keep their order.

    Args:
        source_model: Serialized SentencePiece model.
        target_model: Optional serialized model of the target. By default
            `source_model` serves both sides.
        shared: Whether both models have the same pieces and differ only in
            normalization, so that both sides share one vocabulary. Defaults to `False`.

    Attributes:
        source_model: Serialized model of the source, or of both sides, with these ids.
        target_model: Serialized model of the target, or `None`.
        vocab_size: Number of pieces of the source's vocabulary.
        target_vocab_size: Number of pieces of the target's own vocabulary, or `None`
            if both sides share one.

    Raises:
        ValueError: If a model is not a SentencePiece model; if an exported graph could
            not reproduce it exactly (a word model, spaces after words, denormalization
            rules); or if the pieces of `shared` models differ.

    Example:

    >>> pairs = [("a cat sat", "고양이가 앉았다！"), ("a dog ran", "개가 달렸다！")]
    >>> tokenizer = Tokenizer.train(pairs, vocab_size=320)
    >>> ids = tokenizer.encode_target(["개가 달렸다！"])
    >>> ids[0][-1]
    3
    >>> tokenizer.decode_target(ids)
    ['개가 달렸다！']
    """

    def __init__(
        self,
        source_model: bytes,
        target_model: bytes | None = None,
        shared: bool = False,
    ):
        self.source_model, self._source = _checked_model(source_model)
        self.target_model, self._target = None, self._source
        if target_model is not None:
            self.target_model, self._target = _checked_model(target_model)
        self.vocab_size = self._source.get_piece_size()
        self.target_vocab_size = None
        if self.target_model is not None and not shared:
            self.target_vocab_size = self._target.get_piece_size()
        if shared and self.target_vocabulary() != self.source_vocabulary():
            raise ValueError(
                "The two models do not share a vocabulary. Expected the same pieces in "
                f"the same order. Received: {self.vocab_size} pieces of the source and "
                f"{self._target.get_piece_size()} of the target"
            )

    @classmethod
    def train(
        cls,
        pairs: Iterable[tuple[str, str]],
        vocab_size: int = 8000,
        shared: bool = True,
        *,
        source_normalization: str = "nmt_nfkc",
        target_normalization: str = "identity",
        source_remove_extra_whitespaces: bool = True,
        target_remove_extra_whitespaces: bool = False,
        user_defined_symbols: Sequence[str] = (),
    ) -> "Tokenizer":
        """Trains a unigram vocabulary with byte fallback on pairs of sentences.

        The same pairs give the same vocabulary, on every machine. If there are more
        than 500,000 pairs, a fixed random sample of that size is used; only the sample
        is in memory.

        Normalization rules: `"identity"` does not change text; `"nfkc"` replaces
        compatible characters, such as `"！"` by `"!"`; `"nmt_nfkc"` also removes
        control characters and turns line breaks into spaces; `"nfkc_cf"` and
        `"nmt_nfkc_cf"` also fold to lower case. A model can only generate text that the
        target's rule keeps, so by default targets are not changed. With `"identity"`,
        well-formed text is decoded exactly, except "▁" (U+2581), SentencePiece's mark
        for spaces, which is decoded as a space.

        Args:
            pairs: (source, target) sentences, read once.
            vocab_size: Maximum number of pieces of a vocabulary; small data gives
                fewer. Defaults to 8000.
            shared: `False` trains one vocabulary for each side.
            source_normalization: Rule of the source. Defaults to `"nmt_nfkc"`.
            target_normalization: Rule of the target. Defaults to `"identity"`.
            source_remove_extra_whitespaces: Whether runs of spaces become one space,
                and spaces at both ends are removed. Defaults to `True`.
            target_remove_extra_whitespaces: The same for the target. Defaults to
                `False`.
            user_defined_symbols: Strings that always become one id and are never
                normalized, such as `"<2de>"`.

        Raises:
            ValueError: If an item is not a pair of strings, there is no text,
                `vocab_size` is too small for it, or an argument is unknown.
        """
        sources, targets = trainer.sample_pairs(pairs, MAX_PAIRS)
        source_spec = trainer.normalizer_spec(
            source_normalization, source_remove_extra_whitespaces
        )
        target_spec = trainer.normalizer_spec(
            target_normalization, target_remove_extra_whitespaces
        )
        symbols = trainer.checked_symbols(user_defined_symbols)
        sources = trainer.normalize(sources, source_spec, symbols)
        targets = trainer.normalize(targets, target_spec, symbols)
        if shared:
            model = trainer.train_pieces(sources + targets, vocab_size, symbols)
            source_model = target_model = model
        else:
            source_model = trainer.train_pieces(sources, vocab_size, symbols)
            target_model = trainer.train_pieces(targets, vocab_size, symbols)
        source_model = trainer.with_normalization(source_model, source_spec)
        target_model = trainer.with_normalization(target_model, target_spec)
        if shared and source_model == target_model:
            return cls(source_model)
        return cls(source_model, target_model, shared=shared)

    def encode_source(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each source text, with the end token; an empty text is [3]."""
        return encode_texts(self._source, texts)

    def encode_target(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each target text, with the end token; an empty text is [3]."""
        return encode_texts(self._target, texts)

    def decode_source(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Returns the texts of source ids, up to the first end token."""
        return decode_rows(self._source, rows)

    def decode_target(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Returns the texts of target ids, up to the first end token."""
        return decode_rows(self._target, rows)

    def source_pieces(self, texts: Sequence[str]) -> list[list[str]]:
        """Returns the piece of each id that `encode_source` returns."""
        return [self._source.id_to_piece(ids) for ids in self.encode_source(texts)]

    def target_pieces(self, texts: Sequence[str]) -> list[list[str]]:
        """Returns the piece of each id that `encode_target` returns."""
        return self.target_pieces_of(self.encode_target(texts))

    def target_pieces_of(self, rows: Sequence[Sequence[int]]) -> list[list[str]]:
        """Returns the piece of each target id."""
        return convert_rows(self._target, rows, self._target.id_to_piece)

    def source_vocabulary(self) -> list[str]:
        """All pieces of the source's vocabulary, in the order of their ids."""
        return self._source.id_to_piece(list(range(self._source.get_piece_size())))

    def target_vocabulary(self) -> list[str]:
        """All pieces of the target's vocabulary, in the order of their ids."""
        return self._target.id_to_piece(list(range(self._target.get_piece_size())))

    def files(self) -> dict[str, bytes]:
        """Names and contents of the files that `save` writes, source first."""
        if self.target_model is None:
            return {_SHARED_FILES[0]: self.source_model}
        is_shared = self.target_vocab_size is None
        names = _TWO_NORMALIZATIONS_FILES if is_shared else _SEPARATE_FILES
        return dict(zip(names, [self.source_model, self.target_model], strict=True))

    def save(self, folder: str | os.PathLike) -> None:
        """Writes `tokenizer.model`, or `source.model` and `target.model`.

        If the sides share a vocabulary but not its normalization, the target's is
        `tokenizer.target.model`. Files of another tokenizer in the folder are
        replaced, each atomically.
        """
        files = self.files()
        for name, model in files.items():
            with replacing(Path(folder, name)) as temporary:
                temporary.write_bytes(model)
        for name in {*_TWO_NORMALIZATIONS_FILES, *_SEPARATE_FILES} - set(files):
            Path(folder, name).unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "Tokenizer":
        """Reads a tokenizer that `save` wrote.

        Raises:
            FileNotFoundError: If the folder contains no tokenizer.
            ValueError: If a file is not a SentencePiece model.
        """
        for names in (_TWO_NORMALIZATIONS_FILES, _SHARED_FILES, _SEPARATE_FILES):
            paths = [Path(folder, name) for name in names]
            if all(path.exists() for path in paths):
                return cls.from_files(*paths, shared=names != _SEPARATE_FILES)
        raise FileNotFoundError(
            "The folder contains no tokenizer. Expected tokenizer.model, or "
            f"source.model and target.model. Received: {folder}"
        )

    @classmethod
    def from_files(
        cls,
        source: str | os.PathLike,
        target: str | os.PathLike | None = None,
        shared: bool = False,
    ) -> "Tokenizer":
        """Reads one SentencePiece model file for both sides, or one for each.

        Args:
            source: The model's file, as `spm_train` writes it.
            target: Optional file of a separate model for the target.
            shared: As in the constructor.

        Raises:
            FileNotFoundError: If a file does not exist.
            ValueError: If a model cannot be used.
        """
        models = []
        for path in [source] if target is None else [source, target]:
            if Path(path).is_dir():
                raise ValueError(
                    "Tokenizer.load reads the folder of a tokenizer. Expected the file "
                    f"of a SentencePiece model. Received: the folder {path}"
                )
            models.append(Path(path).read_bytes())
            try:
                _checked_model(models[-1])
            except ValueError as error:
                raise ValueError(f"{path} cannot be used. {error}") from error
        return cls(*models, shared=shared)


def _checked_model(serialized: bytes):
    """Returns the model with our ids, and its processor; refuses unsupported models."""
    if not isinstance(serialized, bytes):
        raise ValueError(
            "A tokenizer is made from the contents of a model file. Expected bytes; "
            "Tokenizer.from_files reads files, and Tokenizer.load reads folders. "
            f"Received: {serialized!r}"
        )
    serialized = with_package_ids(serialized)
    SentencePieceModel.parse(serialized)
    return serialized, load_processor(serialized)
