"""Text to ids and ids to text in an exported graph."""

import tensorflow as tf

from tf_transformer.data.sentencepiece_model import (
    SentencePieceModel,
    with_package_ids,
)
from tf_transformer.export.graph_tokenizer import utf8
from tf_transformer.export.graph_tokenizer.merges import Merges
from tf_transformer.export.graph_tokenizer.normalization import Normalization
from tf_transformer.export.graph_tokenizer.repeats import repeats
from tf_transformer.export.graph_tokenizer.segmentation import Segmentation
from tf_transformer.export.graph_tokenizer.surfaces import Surfaces
from tf_transformer.ids import EOS_ID, PAD_ID


class GraphTokenizer(tf.Module):
    """Text to ids and back inside a graph, with the ids of `Tokenizer`.

    Only core TensorFlow ops are used, so that any TensorFlow can load an exported
    model. They run on the CPU, because GPUs do not support strings.

    Args:
        serialized_model: A SentencePiece model, such as `Tokenizer.source_model`.
        vocabulary_of: Optional `GraphTokenizer` with the same pieces and another
            normalization. Its tables are used instead of a second copy.
        max_length: Optional integer. The number of tokens, end token counted, that a
            text may have. With byte fallback, a text with too many characters for them
            is refused before it is split, which would take time that grows with its
            length. The caller checks the number of tokens.

    Raises:
        ValueError: If `Tokenizer` does not support the model.

    Example:

    >>> from tf_transformer.data.tokenizer import Tokenizer
    >>> tokenizer = Tokenizer.train([("a cat", "고양이")], vocab_size=300)
    >>> graph_tokenizer = GraphTokenizer(tokenizer.source_model)
    >>> ids = graph_tokenizer.encode(tf.constant(["a cat", ""]))
    >>> ids[1].numpy().tolist() == [3] + [0] * (ids.shape[1] - 1)
    True
    >>> graph_tokenizer.decode(ids).numpy().tolist()
    [b'a cat', b'']
    """

    def __init__(
        self,
        serialized_model: bytes,
        vocabulary_of: "GraphTokenizer | None" = None,
        max_length: int | None = None,
    ):
        super().__init__()
        model = SentencePieceModel.parse(with_package_ids(serialized_model))
        self._byte_fallback = model.byte_fallback
        self._unknown_id = model.kinds.index(model.UNKNOWN)
        self._max_length = max_length
        self._longest_piece = max(map(len, model.text_pieces))
        self._normalization = Normalization(model)
        if vocabulary_of is not None:
            self._segmentation = vocabulary_of._segmentation
        elif model.model_type == "unigram":
            self._segmentation = Segmentation(
                model.text_pieces, model.unigram_scores, model.unknown_score
            )
        else:
            self._segmentation = Merges(model)
        self._surfaces = Surfaces(model)
        byte_ids = model.byte_ids
        pieces = ["" if i == PAD_ID else piece for i, piece in enumerate(model.pieces)]
        with tf.device("CPU:0"):
            self._pieces = tf.constant(pieces)
            self._byte_ids = tf.constant([byte_ids.get(i, -1) for i in range(256)])

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name="text")],
        autograph=False,
    )
    def encode(self, text):
        """Returns the ids of each text, with the end token.

        Args:
            text: String tensor `(B,)`, UTF-8. A malformed byte reads as U+FFFD.

        Returns:
            int32 tensor `(B, S)`, padded with 0. An empty text is [3].
        """
        with tf.device("CPU:0"):
            code_points, lengths = self._normalization(text)
            if self._byte_fallback and self._max_length is not None:
                lengths = self._checked(lengths)
            rows, ids, characters = self._segmentation(code_points, lengths)
            if self._byte_fallback:
                rows, ids = self._with_bytes(rows, ids, characters)
            else:
                rows, ids = self._with_unknown(rows, ids)
            sizes = tf.math.bincount(rows, minlength=tf.shape(text)[0])
            sizes = tf.ensure_shape(sizes, [None])
            ids = tf.RaggedTensor.from_row_lengths(ids, sizes, validate=False)
            ids = tf.pad(ids.to_tensor(PAD_ID), [[0, 0], [0, 1]])
            is_end = tf.equal(tf.range(tf.shape(ids)[1])[None], sizes[:, None])
            return tf.where(is_end, EOS_ID, ids)

    def _checked(self, lengths):
        """Returns the numbers of characters; too many are an InvalidArgumentError.

        Without byte fallback any number of unknown characters is one token.
        """
        most = (self._max_length - 1) * self._longest_piece
        longest = tf.reduce_max(lengths)
        message = (
            "A text is longer than the model can read. Expected at most "
            f"{self._max_length} tokens, the end token counted, which have at most "
            f"{most} characters. Received:"
        )
        data = [message, longest, "characters"]
        is_short = tf.debugging.Assert(longest <= most, data)
        with tf.control_dependencies([is_short]):
            return tf.identity(lengths)

    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int32, name="ids")],
        autograph=False,
    )
    def decode(self, ids):
        """Returns the texts of ids, up to the first end token.

        Args:
            ids: int32 tensor `(B, T)`.

        Returns:
            String tensor `(B,)`, well-formed UTF-8.
        """
        with tf.device("CPU:0"):
            # append an end token, so that bytes of neighbouring texts are not joined
            ids = tf.pad(ids, [[0, 0], [0, 1]], constant_values=EOS_ID)
            is_end = tf.cast(tf.equal(ids, EOS_ID), tf.int32)
            ids = tf.where(tf.cumsum(is_end, axis=1) > 0, EOS_ID, ids)
            return tf.strings.reduce_join(self._surfaces(ids), axis=1)

    def pieces(self, ids):
        """Returns the vocabulary's pieces with these ids; "" for padding.

        Args:
            ids: int32 tensor of any shape.

        Returns:
            String tensor of the same shape, such as "▁cat", "</s>" or "<0xEA>".
        """
        with tf.device("CPU:0"):
            return tf.gather(self._pieces, ids)

    def _with_bytes(self, rows, ids, characters):
        """Writes each unknown character as its bytes."""
        is_unknown = ids < 0
        sizes = tf.where(is_unknown, utf8.character_sizes(characters), 1)
        indices, places = repeats(sizes)
        is_unknown = tf.gather(is_unknown, indices)
        places = tf.where(is_unknown, places, 0)
        values = utf8.character_bytes(tf.gather(characters, indices), places)
        byte_ids = tf.gather(self._byte_ids, tf.where(is_unknown, values, 0))
        ids = tf.where(is_unknown, byte_ids, tf.gather(ids, indices))
        return tf.gather(rows, indices), ids

    def _with_unknown(self, rows, ids):
        """Writes a run of unknown characters as one unknown token."""
        is_unknown = ids < 0
        is_same_row = tf.equal(rows, tf.pad(rows, [[1, 0]], constant_values=-1)[:-1])
        follows_unknown = tf.pad(is_unknown, [[1, 0]])[:-1]
        is_kept = ~(is_unknown & follows_unknown & is_same_row)
        ids = tf.where(is_unknown, self._unknown_id, ids)
        return tf.boolean_mask(rows, is_kept), tf.boolean_mask(ids, is_kept)
