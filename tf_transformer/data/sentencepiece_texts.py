"""Lists of texts and of ids, converted by a SentencePiece processor."""

import operator
from collections.abc import Callable, Sequence

from tf_transformer.data.sentencepiece_trainer import is_text
from tf_transformer.ids import EOS_ID


def encode_texts(processor, texts: Sequence[str]) -> list[list[int]]:
    """The ids of each text, with the end token.

    Args:
        processor: A SentencePiece processor.
        texts: Strings, or their bytes in UTF-8.

    Raises:
        ValueError: If an item is no text.
    """
    if isinstance(texts, (str, bytes)):
        raise ValueError(
            "Texts are encoded in lists. Expected a list of texts. "
            f"Received: one text, {texts!r}"
        )
    texts = list(texts)
    try:
        texts = [text.decode() if isinstance(text, bytes) else text for text in texts]
        return [ids + [EOS_ID] for ids in processor.encode(texts)]
    except UnicodeDecodeError as error:  # SentencePiece would replace such bytes
        raise ValueError(
            "The bytes of a text are not UTF-8. Expected strings or UTF-8. "
            f"Received: {error.object!r}"
        ) from error
    except TypeError as error:
        wrong = [text for text in texts if not is_text(text)]
        raise ValueError(
            "A text cannot be read. Expected strings without lone surrogates. "
            f"Received: {wrong[:1]}"
        ) from error


def decode_rows(processor, rows: Sequence[Sequence[int]]) -> list[str]:
    """The text of each row of ids, up to its end token.

    Args:
        processor: A SentencePiece processor.
        rows: Lists of ids.

    Raises:
        ValueError: If a row is no list of ids.
    """

    def text_of(ids):  # padding and start have no text
        return processor.decode(ids[: ids.index(EOS_ID)] if EOS_ID in ids else ids)

    return convert_rows(processor, rows, text_of)


def convert_rows(
    processor, rows: Sequence[Sequence[int]], convert: Callable[[list[int]], object]
) -> list:
    """Applies a function to each row of ids.

    Args:
        processor: A SentencePiece processor.
        rows: Lists of ids.
        convert: Function of a list of ids.

    Raises:
        ValueError: If a row is no list of ids.
    """
    converted = []
    for row in rows:
        try:
            converted.append(convert([operator.index(token_id) for token_id in row]))
        except (TypeError, IndexError, OverflowError) as error:
            raise ValueError(
                "Ids are decoded in lists. Expected a list of ids from 0 to "
                f"{processor.get_piece_size() - 1} for each text. "
                f"Received: {row!r} as one of them"
            ) from error
    return converted
