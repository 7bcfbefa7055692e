"""Training of SentencePiece vocabularies, and the normalization of text for it."""

import io
import itertools
import random
from collections.abc import Iterable, Sequence

import sentencepiece

from tf_transformer.data.corpus import is_pair
from tf_transformer.data.sentencepiece_model import ModelProto
from tf_transformer.ids import BOS_ID, EOS_ID, PAD_ID, UNK_ID

NORMALIZATION_RULES = ("nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf", "identity")
CHARACTER_COVERAGE = 0.9999  # of the running text; rarer characters become bytes

# longer texts are split: the library's time grows with the square of a word's length
_MAX_CHARACTERS = 2_000
_RESERVED_PIECES = ("<pad>", "<unk>", "<s>", "</s>")
_Piece = ModelProto.SentencePiece


def sample_pairs(
    pairs: Iterable[tuple[str, str]], size: int
) -> tuple[list[str], list[str]]:
    """Returns sources and targets of all pairs, or of a uniform sample of `size` pairs.

    The sample depends only on the pairs and their order.

    Raises:
        ValueError: If an item is not a pair of strings.
    """
    if isinstance(pairs, (str, bytes)) or not isinstance(pairs, Iterable):
        raise _not_pairs(pairs)
    checked = map(_checked_pair, pairs)
    chosen = list(itertools.islice(checked, size))
    generator = random.Random(0)
    for number, pair in enumerate(checked, start=size):
        place = int(generator.random() * (number + 1))
        if place < size:
            chosen[place] = pair
    return [source for source, _ in chosen], [target for _, target in chosen]


def _checked_pair(pair) -> tuple[str, str]:
    if not is_pair(pair) or not all(map(is_text, pair)):
        raise _not_pairs(pair)
    source, target = pair
    return source, target


def _not_pairs(received) -> ValueError:
    return ValueError(
        "A vocabulary is trained on pairs of sentences. Expected (source, target), two "
        f"strings without lone surrogates. Received: {received!r}"
    )


def is_text(value) -> bool:
    """Whether the value is a string that UTF-8 can encode."""
    try:
        value.encode()
    except (AttributeError, UnicodeEncodeError):
        return False
    return isinstance(value, str)


def checked_symbols(symbols: Sequence[str]) -> list[str]:
    """Checks and returns user-defined symbols.

    Raises:
        ValueError: If a symbol contains spaces, is not a string, is reserved or a
            duplicate.
    """
    is_list = isinstance(symbols, Iterable) and not isinstance(symbols, (str, bytes))
    names = list(symbols) if is_list else []
    if not is_list or not all(map(_is_word, names)):
        raise ValueError(
            "A user-defined symbol cannot be used. Expected a list of strings without "
            f"spaces. Received: {symbols!r}"
        )
    if len(set(names)) < len(names) or set(names) & set(_RESERVED_PIECES):
        raise ValueError(
            "User-defined symbols must differ from each other and from reserved "
            "pieces. Expected no duplicates and none of "
            f"{', '.join(_RESERVED_PIECES)}. Received: {symbols!r}"
        )
    return names


def _is_word(symbol) -> bool:
    return is_text(symbol) and symbol.split() == [symbol] and "▁" not in symbol


def normalizer_spec(rule: str, remove_extra_whitespaces: bool):
    """Returns SentencePiece's specification of a normalization.

    Args:
        rule: One of `NORMALIZATION_RULES`.
        remove_extra_whitespaces: Whether runs of spaces become one space, and spaces
            at both ends are removed.

    Raises:
        ValueError: If the rule is unknown.
    """
    if rule not in NORMALIZATION_RULES:
        raise ValueError(
            f"Unknown normalization. Expected one of {', '.join(NORMALIZATION_RULES)}. "
            f"Received: {rule!r}"
        )
    rules = sentencepiece.SentencePieceNormalizer(rule_name=rule)
    model = ModelProto.FromString(rules.serialized_model_proto())
    spec = model.normalizer_spec
    spec.name = rule
    spec.add_dummy_prefix = True
    spec.escape_whitespaces = True
    spec.remove_extra_whitespaces = bool(remove_extra_whitespaces)
    return spec


def normalize(texts: Sequence[str], spec, symbols: Sequence[str]) -> list[str]:
    """Normalizes texts by a `normalizer_spec`, except user-defined symbols.

    Long texts are split into parts of at most 2,000 characters.

    Example:

    >>> normalize(["<ｘ>  Ｔｗｏ  words…"], normalizer_spec("nmt_nfkc", True), ["<ｘ>"])
    ['<ｘ> Two words...']
    """
    model = ModelProto()
    model.normalizer_spec.CopyFrom(spec)
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.escape_whitespaces = False
    model.pieces.append(_Piece(piece="<unk>", type=_Piece.UNKNOWN))
    model.pieces.append(_Piece(piece="a"))
    model.pieces.extend(_Piece(piece=s, type=_Piece.USER_DEFINED) for s in symbols)
    processor = sentencepiece.SentencePieceProcessor()
    processor.load_from_serialized_proto(model.SerializeToString())
    parts = [
        text[start : start + _MAX_CHARACTERS]
        for text in texts
        for start in range(0, len(text), _MAX_CHARACTERS)
    ]
    return processor.normalize(parts)


def train_pieces(
    lines: Sequence[str], vocab_size: int, symbols: Sequence[str]
) -> bytes:
    """Trains a unigram vocabulary with byte fallback on normalized lines.

    Args:
        lines: Normalized texts.
        vocab_size: Maximum number of pieces; small data gives fewer.
        symbols: User-defined symbols.

    Returns:
        A serialized model whose normalization is the identity.

    Raises:
        ValueError: If there is no text, or `vocab_size` is too small.
    """
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise ValueError(
            "There is no text to train a vocabulary on. Expected pairs of sentences. "
            "Received: blank texts only"
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
            normalization_rule_name="identity",
            remove_extra_whitespaces=False,
            user_defined_symbols=list(symbols),
            # longer lines would be dropped
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
            f"The vocabulary could not be trained: {error}. Expected a vocab_size for "
            "260 special pieces and bytes, the user-defined symbols and every common "
            f"character. Received: vocab_size={vocab_size}"
        ) from error
    return model.getvalue()


def with_normalization(serialized: bytes, spec) -> bytes:
    """Returns the model with another normalization."""
    model = ModelProto.FromString(serialized)
    model.normalizer_spec.CopyFrom(spec)
    return model.SerializeToString(deterministic=True)
