"""The text of each token, for decoding ids to text."""

import tensorflow as tf

from tf_transformer.data.sentencepiece_model import SentencePieceModel
from tf_transformer.export.graph_tokenizer import utf8

_REPLACEMENT = chr(utf8.REPLACEMENT)


class Surfaces(tf.Module):
    """The text that each token adds to a sentence, in core TensorFlow ops.

    "▁" becomes a space, except at the beginning of a text; control tokens have no text;
    bytes join to characters, and a malformed byte becomes U+FFFD.

    Args:
        model: A `SentencePieceModel`.

    Example: the two bytes of "é", and the end.

    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> tokenizer = Tokenizer.train([("two words", "두 낱말")], vocab_size=300)
    >>> surfaces = Surfaces(SentencePieceModel.parse(tokenizer.source_model))
    >>> tf.strings.reduce_join(surfaces(tf.constant([[199, 173, 3]]))).numpy().decode()
    'é'
    """

    def __init__(self, model: SentencePieceModel):
        super().__init__()
        values = {token_id: value for value, token_id in model.byte_ids.items()}
        token_ids = range(len(model.pieces))
        surfaces = [_surface(model, token_id) for token_id in token_ids]
        at_head = [_surface_at_head(model, token_id) for token_id in token_ids]
        # tokens after which the text has not begun yet
        silent = at_head if model.remove_extra_whitespaces else surfaces
        with tf.device("CPU:0"):
            self._surfaces = tf.constant(surfaces)
            self._at_head = tf.constant(at_head)
            self._is_silent = tf.constant([surface == "" for surface in silent])
            self._is_byte = tf.constant([i in values for i in token_ids])
            self._values = tf.constant(
                [values.get(i, utf8.SEPARATOR) for i in token_ids]
            )
            self._bytes = tf.constant([bytes([value]) for value in range(256)])

    def __call__(self, ids):
        """Looks up the surfaces.

        Args:
            ids: int32 tensor `(B, T)`. The last token of each row must not be a byte.

        Returns:
            String tensor `(B, T)`; each row, joined, is a text.
        """
        has_text = tf.cast(~tf.gather(self._is_silent, ids), tf.int32)
        is_head = tf.equal(tf.cumsum(has_text, axis=1, exclusive=True), 0)
        surfaces = tf.where(
            is_head, tf.gather(self._at_head, ids), tf.gather(self._surfaces, ids)
        )
        values = tf.gather(self._values, ids)
        _, sizes, is_inside = utf8.read_characters(tf.reshape(values, [-1]))
        is_well_formed = tf.reshape((sizes > 0) | is_inside, tf.shape(ids))
        read = tf.where(is_well_formed, tf.gather(self._bytes, values), _REPLACEMENT)
        return tf.where(tf.gather(self._is_byte, ids), read, surfaces)


def _surface(model: SentencePieceModel, token_id: int) -> str:
    kind = model.kinds[token_id]
    if kind == model.CONTROL:
        return ""
    if kind == model.UNKNOWN:
        return model.unknown_surface
    return model.pieces[token_id].replace("▁", " ")


def _surface_at_head(model: SentencePieceModel, token_id: int) -> str:
    surface = _surface(model, token_id)
    strips = model.add_dummy_prefix or model.remove_extra_whitespaces
    is_text = model.kinds[token_id] not in (model.CONTROL, model.UNKNOWN)
    if strips and is_text and model.pieces[token_id].startswith("▁"):
        return surface[1:]
    return surface
