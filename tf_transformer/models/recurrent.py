"""The recurrent encoder-decoder with attention that preceded the Transformer."""

import keras
from keras import ops

from tf_transformer.layers.base import check_sizes
from tf_transformer.layers.masks import keys_mask, padding_mask
from tf_transformer.layers.recurrent.cells import RecurrentDecoder, RecurrentEncoder
from tf_transformer.layers.recurrent.global_attention import GlobalAttention
from tf_transformer.models.embeddings import check_ids, token_embeddings
from tf_transformer.models.presets import RECURRENT_PRESETS, preset
from tf_transformer.models.sequence_model import SequenceModel
from tf_transformer.utils.keras_compat import allow_new_layers


@keras.saving.register_keras_serializable(package="tf_transformer")
class RecurrentSeq2Seq(SequenceModel):
    """A recurrent encoder-decoder with attention (or without, for comparison).

    The models of [Bahdanau et al. 2015](https://arxiv.org/abs/1409.0473) and
    [Luong et al. 2015](https://arxiv.org/abs/1508.04025), on which
    [Attention Is All You Need](https://arxiv.org/abs/1706.03762) is based. This model's
    attention is the encoder-decoder attention of section 3.2.3 there: the query is the
    decoder's state at time t, keys and values are the encoder's states at all times.
    There is no self-attention. It has the same methods as `Transformer`.

    With `score=None` the decoder reads only the encoder's last state: one vector for a
    sentence of any length ([Cho et al. 2014](https://arxiv.org/abs/1406.1078)). The
    rest is unchanged, including the number of weights: c_t is that vector at every t.

    Differs from Bahdanau et al. 2015: the query is the decoder's state after the newest
    token, not the one before; the decoder starts from the last states of both
    directions, without a layer between; no maxout layer.
    Differs from Luong et al. 2015: the encoder reads in both directions; no input
    feeding (section 3.3), so that attention is computed for all positions at once; no
    local attention.
    Differs from both: one embedding matrix serves both sides and the output.

    Args:
        vocab_size: Integer. Size of the vocabulary, padding included.
        num_layers: Integer. Layers of the encoder and of the decoder. Defaults to 1.
        d_model: Integer. Width of embeddings and states; must be even, each direction
            of the encoder has half. Defaults to 512.
        cell: "gru" or "lstm". Defaults to `"gru"`.
        score: "dot", "scaled_dot", "general", "additive", "concat", or `None` for no
            attention. Defaults to `"general"`.
        dropout_rate: Float in [0, 1). On the input of every layer and on the
            attention's output. Defaults to 0.1.
        max_length: Integer. Longest sentence in tokens, on either side. Defaults
            to 512.
        target_vocab_size: Optional integer. Size of the target's own vocabulary; by
            default one vocabulary and one embedding matrix serve both sides.

    Call arguments:
        inputs: Dictionary of ids, `"source_ids"` `(B, S)` and `"target_ids"` `(B, T)`.
        training: Whether dropout is active.

    Returns:
        Logits `(B, T, V)`, at least float32.

    Raises:
        ValueError: For a sentence longer than `max_length`, and for an id outside the
            vocabulary. In training and in compiled functions such ids give NaN
            instead: `tf_transformer.data.batches` checks them.

    Example:

    >>> model = RecurrentSeq2Seq(vocab_size=23, d_model=8, score="additive")
    >>> ids = ops.ones((2, 7), dtype="int32")
    >>> model({"source_ids": ids, "target_ids": ids[:, :5]}).shape
    TensorShape([2, 5, 23])

    Shape letters: B batch, S source length, T target length, V target vocabulary,
    D d_model, K hypotheses of a sentence.
    """

    def __init__(
        self,
        vocab_size,
        *,
        num_layers=1,
        d_model=512,
        cell="gru",
        score="general",
        dropout_rate=0.1,
        max_length=512,
        target_vocab_size=None,
        **kwargs,
    ):
        arguments = {
            "vocab_size": vocab_size,
            "num_layers": num_layers,
            "d_model": d_model,
            "cell": cell,
            "score": score,
            "dropout_rate": dropout_rate,
            "max_length": max_length,
            "target_vocab_size": target_vocab_size,
        }
        super().__init__(arguments, **kwargs)
        check_sizes(vocab_size=vocab_size, max_length=max_length)
        self._make_layers()
        self.build()
        if type(self) is not RecurrentSeq2Seq:
            allow_new_layers(self)

    def _make_layers(self):
        dtype = self.dtype_policy
        self.source_embedding, self.target_embedding = token_embeddings(
            self.vocab_size, self.target_vocab_size, self.d_model, dtype
        )
        arguments = {
            "num_layers": self.num_layers,
            "d_model": self.d_model,
            "cell": self.cell,
            "dropout_rate": self.dropout_rate,
            "dtype": dtype,
        }
        self.encoder = RecurrentEncoder(name="encoder", **arguments)
        self.decoder = RecurrentDecoder(name="decoder", **arguments)
        self.attention = GlobalAttention(
            d_model=self.d_model, score=self.score, dtype=dtype, name="attention"
        )
        self.dropout = keras.layers.Dropout(
            self.dropout_rate, dtype=dtype, name="dropout"
        )

    @classmethod
    def from_preset(cls, name, vocab_size, **changes):
        """Makes a model of a named size.

        Args:
            name: "tiny", "small", "base" or "big" (see `models/presets.py`; the last
                two are similar to the models of Bahdanau et al. and Luong et al.).
            vocab_size: Integer. Size of the vocabulary.
            **changes: Other arguments of `RecurrentSeq2Seq`, which override the
                preset's.

        Returns:
            A `RecurrentSeq2Seq` with fresh weights.
        """
        return cls(vocab_size, **{**preset(name, RECURRENT_PRESETS), **changes})

    def build(self, input_shape=None):
        if self.built:
            return
        states_shape = (None, None, self.d_model)
        self.source_embedding.build()
        self.target_embedding.build()
        for layer in (self.encoder, self.decoder, self.attention):
            layer.build(states_shape)
        self.built = True

    def encode(self, source_ids, training=None):
        """Encodes the source sentences.

        Args:
            source_ids: Ids `(B, S)`.
            training: Whether dropout is active.

        Returns:
            Dictionary of `"states"` `(B, S, D)` (without attention `(B, 1, D)`,
            only the last state), `"padding_mask"` `(B, S)` and `"last_states"`, the
            encoder's last states.
        """
        source_ids = check_ids(self, source_ids, "source_ids", training)
        source_padding_mask = padding_mask(source_ids)
        states, last_states = self.encoder(
            self.source_embedding(source_ids), source_padding_mask, training=training
        )
        if self.score is None:
            states = last_states[-1][0][:, None]
        return {
            "states": states,
            "padding_mask": source_padding_mask,
            "last_states": last_states,
        }

    def decode(self, target_ids, encoded, training=None):
        """Predicts the next token at every position of the target.

        Args:
            target_ids: Ids `(B, T)`; the first is the start token.
            encoded: Result of `encode`.
            training: Whether dropout is active.

        Returns:
            Logits `(B, T, V)`, at least float32.
        """
        outputs, _ = self._read(target_ids, encoded, training)
        return self._logits(outputs, training)

    def _read(self, target_ids, encoded, training):
        """Returns the attention's output at every position, and its weights."""
        target_ids = check_ids(self, target_ids, "target_ids", training)
        queries = self.decoder(
            self.target_embedding(target_ids),
            encoded["last_states"],
            training=training,
        )
        return self.attention.attend(
            queries,
            *self.attention.keys_and_values(encoded["states"]),
            keys_mask(encoded["padding_mask"]),
        )

    def _logits(self, outputs, training, **arguments):
        outputs = self.dropout(outputs, training=training)
        return self.target_embedding(outputs, reverse=True, **arguments)

    def start(self, encoded, max_length, beam_size=1):
        """Makes the first state for `step`.

        Args:
            encoded: Result of `encode` for B sentences.
            max_length: Not used: the states have the same size at every step.
            beam_size: Integer K, hypotheses of a sentence. Defaults to 1.

        Returns:
            A state, see `SequenceModel`.
        """
        keys, values = self.attention.keys_and_values(encoded["states"])
        return {
            "position": ops.convert_to_tensor(0, dtype="int32"),
            "sentence": {
                "keys": keys,
                "values": values,
                "padding_mask": encoded["padding_mask"],
            },
            "hypothesis": keras.tree.map_structure(
                lambda state: ops.repeat(state, beam_size, axis=0),
                encoded["last_states"],
            ),
            "projection": self.target_embedding.projection_arguments(),
        }

    def step(self, token_ids, state):
        """Reads one more token of each hypothesis and predicts the next.

        Args:
            token_ids: Integer tensor `(B * K,)`: the tokens at the state's position.
            state: Result of `start` or of the previous step.

        Returns:
            Logits `(B * K, V)`, at least float32, and the next state.
        """
        sentence = state["sentence"]
        num_sentences = ops.shape(sentence["padding_mask"])[0]
        vectors = self.target_embedding(token_ids[:, None])[:, 0]
        query, states = self.decoder.step(vectors, state["hypothesis"])
        # the K hypotheses of a sentence are K queries to the same source
        outputs, _ = self.attention.attend(
            ops.reshape(query, (num_sentences, -1, self.d_model)),
            sentence["keys"],
            sentence["values"],
            keys_mask(sentence["padding_mask"]),
        )
        outputs = ops.reshape(outputs, (-1, self.d_model))
        logits = self._logits(outputs, False, **state.get("projection", {}))
        position = state["position"] + 1
        return logits, {**state, "position": position, "hypothesis": states}

    def attend(self, inputs):
        """Computes the decoder's attention weights.

        Args:
            inputs: Dictionary of `"source_ids"` `(B, S)` and `"target_ids"` `(B, T)`.

        Returns:
            Dictionary of attention weights, float32: `"cross"` `(B, 1, 1, T, S)`, for
            one layer with one head; empty without attention.
        """
        if self.score is None:
            return {}
        encoded = self.encode(inputs["source_ids"], training=False)
        _, weights = self._read(inputs["target_ids"], encoded, training=False)
        return {"cross": ops.cast(weights, "float32")[:, None, None]}
