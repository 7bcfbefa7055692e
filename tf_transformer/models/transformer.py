"""The whole model (section 3, figure 1)."""

import keras
from keras import ops

from tf_transformer.ids import BOS_ID
from tf_transformer.layers.attention import MultiHeadAttention
from tf_transformer.layers.base import build_sublayer
from tf_transformer.layers.cache import joined_caches, separate_caches
from tf_transformer.layers.decoder import Decoder
from tf_transformer.layers.encoder import Encoder
from tf_transformer.layers.feed_forward import FeedForward
from tf_transformer.layers.masks import padding_mask
from tf_transformer.layers.normalization import LayerNormalization
from tf_transformer.layers.positional_encoding import PositionalEncoding
from tf_transformer.models.arguments import (
    BLOCK_ARGUMENTS,
    checked_arguments,
    named_arguments,
)
from tf_transformer.models.attention_weights import attention_weights
from tf_transformer.models.embeddings import (
    check_ids,
    target_vectors,
    token_embeddings,
)
from tf_transformer.models.presets import preset
from tf_transformer.models.sequence_model import SequenceModel
from tf_transformer.utils.keras_compat import allow_new_layers


@keras.saving.register_keras_serializable(package="tf_transformer")
class Transformer(SequenceModel):
    """The encoder-decoder Transformer.

    Section 3 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762).
    `model({"source_ids", "target_ids"})` is
    `model.decode(target_ids, model.encode(source_ids))`: the logits of teacher
    forcing. Search uses `encode`, `start` and `step`. Id 0 is padding, which is
    hidden from all queries.

    To change a layer, pass another class, or a function that returns a layer:
    `Transformer(..., feed_forward=MyFeedForward)` (see `docs/extending.md`).

    Paper symbols: N = `num_layers`, h = `num_heads`, P_drop = `dropout_rate`.
    Differs from the paper: only if an option after `dropout_rate` is set; their
    defaults are the paper's.

    Args:
        vocab_size: Integer. Size of the vocabulary, padding included.
        num_layers: Integer. Blocks in the encoder and in the decoder. Defaults to 6.
        d_model: Integer. Width. Defaults to 512.
        num_heads: Integer. Heads; must divide `d_model`. Defaults to 8.
        d_ff: Integer. Inner width of the feed-forward networks. Defaults to 2048.
        dropout_rate: Float in [0, 1). On embeddings and on every sub-layer's output.
            Defaults to 0.1.
        attention_dropout_rate: Float in [0, 1). On attention weights. Defaults to 0.
        activation: Activation of the feed-forward networks, a name or a function.
            Defaults to `"relu"`.
        normalize_first: `True` for pre-norm. Defaults to `False`.
        norm: Class or function that returns a normalization, such as
            `keras.layers.RMSNormalization`. Defaults to `LayerNormalization`.
        attention: Class or function. Defaults to `MultiHeadAttention`.
        feed_forward: Class or function. Defaults to `FeedForward`. `EncoderBlock`
            lists the arguments that these three are called with.
        encoder: Class or function. Defaults to `Encoder`.
        decoder: Class or function, such as `SSRUDecoder`. Defaults to `Decoder`.
        learned_positions: `True` for trained positions. Defaults to `False`.
        max_length: Integer. Longest sentence in tokens, on either side. Defaults
            to 512.
        target_vocab_size: Optional integer. Size of the target's own vocabulary; by
            default one vocabulary and one embedding matrix serve both sides. The
            output projection is always the target embedding, transposed.
        num_encoder_layers: Optional integer. Defaults to `num_layers`.
        num_decoder_layers: Optional integer. Defaults to `num_layers`.
        positions: `"alternating"`, `"halves"` or `"marian"`, see
            `sinusoidal_positions`. Defaults to the paper's `"alternating"`.
        output_bias: Whether logits have a bias. Defaults to `False`.
        norm_epsilon: Optional float. Epsilon of all normalizations; by default,
            their own.
        start_id: Optional integer. Id whose embedding is the decoder's first input,
            `None` for a vector of zeros. A value other than the default replaces the
            first id of `target_ids`. Defaults to 2, the begin token.
        word_dropout_rate: Float in [0, 1). On tokens, in training: the whole embedding
            of a token is 0, its position is not. Defaults to 0.

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

    >>> model = Transformer.from_preset("tiny", vocab_size=1500)
    >>> ids = ops.ones((2, 7), dtype="int32")
    >>> model({"source_ids": ids, "target_ids": ids[:, :5]}).shape
    TensorShape([2, 5, 1500])

    Shape letters: B batch, S source length, T target length, V target vocabulary,
    D d_model, K hypotheses of a sentence.
    """

    def __init__(
        self,
        vocab_size,
        *,
        num_layers=6,
        d_model=512,
        num_heads=8,
        d_ff=2048,
        dropout_rate=0.1,
        attention_dropout_rate=0.0,
        activation="relu",
        normalize_first=False,
        norm=LayerNormalization,
        attention=MultiHeadAttention,
        feed_forward=FeedForward,
        encoder=Encoder,
        decoder=Decoder,
        learned_positions=False,
        max_length=512,
        target_vocab_size=None,
        num_encoder_layers=None,
        num_decoder_layers=None,
        positions="alternating",
        output_bias=False,
        norm_epsilon=None,
        start_id=BOS_ID,
        word_dropout_rate=0.0,
        **kwargs,
    ):
        arguments = dict(locals())
        for name in ("self", "kwargs", "__class__"):
            del arguments[name]
        arguments = checked_arguments(arguments)
        super().__init__(arguments, **kwargs)
        self._make_embeddings()
        self._make_stacks()
        self.build()
        if type(self) is not Transformer:
            allow_new_layers(self)

    def _make_embeddings(self):
        dtype = self.dtype_policy
        self.source_embedding, self.target_embedding = token_embeddings(
            *(self.vocab_size, self.target_vocab_size, self.d_model, dtype),
            output_bias=self.output_bias,
        )
        arguments = {"max_length": self.max_length, "dtype": dtype}
        arguments["learned"] = self.learned_positions
        arguments["positions"] = self.positions
        self.source_positions = PositionalEncoding(name="source_positions", **arguments)
        self.target_positions = PositionalEncoding(name="target_positions", **arguments)
        if self.word_dropout_rate:  # the paper's model has no such layer
            arguments = {"noise_shape": (None, None, 1), "name": "word_dropout"}
            self.word_dropout = keras.layers.Dropout(
                self.word_dropout_rate, dtype=dtype, **arguments
            )
        self.embedding_dropout = keras.layers.Dropout(
            self.dropout_rate, dtype=dtype, name="embedding_dropout"
        )

    def _make_stacks(self):
        arguments = {name: self._arguments[name] for name in BLOCK_ARGUMENTS}
        if self.norm_epsilon is None:
            del arguments["norm_epsilon"]
        arguments["dtype"] = self.dtype_policy
        self.encoder = self._arguments["encoder"](
            name="encoder",
            num_layers=self.num_encoder_layers or self.num_layers,
            **arguments,
        )
        self.decoder = self._arguments["decoder"](
            name="decoder",
            num_layers=self.num_decoder_layers or self.num_layers,
            **arguments,
        )

    def arguments(self) -> dict:
        """The constructor's arguments, with the names of classes."""
        return named_arguments(super().arguments())

    @classmethod
    def from_preset(cls, name, vocab_size, **changes):
        """Makes a model of a named size, with fresh weights.

        Args:
            name: "tiny", "small", "base" or "big" (see `models/presets.py`).
            vocab_size: Integer. Size of the vocabulary.
            **changes: Other arguments of `Transformer`, which override the preset's.
        """
        return cls(vocab_size, **{**preset(name), **changes})

    def build(self, input_shape=None):
        if self.built:
            return
        states_shape = (None, None, self.d_model)
        self.source_embedding.build()
        self.target_embedding.build()
        self.source_positions.build(states_shape)
        self.target_positions.build(states_shape)
        build_sublayer(self.encoder, states_shape)
        build_sublayer(self.decoder, states_shape, further=[states_shape])
        self.built = True

    def encode(self, source_ids, training=None):
        """Encodes the source sentences: `"states"` `(B, S, D)`, `"padding_mask"`."""
        source_ids = check_ids(self, source_ids, "source_ids", training)
        mask = padding_mask(source_ids)
        x = self.source_embedding(source_ids)
        x = self._with_positions(x, self.source_positions, training)
        states = self.encoder(x, padding_mask=mask, training=training)
        return {"states": states, "padding_mask": mask}

    def decode(self, target_ids, encoded, training=None):
        """Predicts the next token at every position: logits `(B, T, V)`."""
        target_ids = check_ids(self, target_ids, "target_ids", training)
        x = target_vectors(self, target_ids)
        x = self._with_positions(x, self.target_positions, training)
        states = self.decoder(
            x,
            encoded["states"],
            padding_mask=padding_mask(target_ids),
            encoder_padding_mask=encoded["padding_mask"],
            training=training,
        )
        return self.target_embedding(states, reverse=True)

    def _with_positions(self, x, positions, training):
        if self.word_dropout_rate:
            x = self.word_dropout(x, training=training)
        return self.embedding_dropout(positions(x), training=training)

    def start(self, encoded, max_length, beam_size=1):
        """Makes the first state for `step`, for at most `max_length` steps."""
        source, caches = self.decoder.start(encoded["states"], max_length, beam_size)
        sentence = {"source": source, "padding_mask": encoded["padding_mask"]}
        # its shape carries K, because a graph cannot divide B * K by B
        shape = (ops.shape(encoded["states"])[0], beam_size)
        sentence["slots"] = ops.zeros(shape, dtype="int32")
        sentence["caches"], own = separate_caches(caches)
        return {
            "position": ops.convert_to_tensor(0, dtype="int32"),
            "sentence": sentence,
            "hypothesis": own,
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
        states, state = self.step_states(token_ids, state)
        arguments = state.get("projection", {})
        logits = self.target_embedding(states, reverse=True, **arguments)
        return ops.reshape(logits, (-1, logits.shape[-1])), state

    def step_states(self, token_ids, state):
        """`step` without the output projection: states `(B, K, D)`, next state."""
        sentence, position = dict(state["sentence"]), state["position"]
        num_slots = ops.shape(sentence["slots"])[1]
        x = target_vectors(self, token_ids[:, None], position)  # (B * K, 1, D)
        x = self.target_positions(x, position=position)
        states, caches = self.decoder.step(
            ops.reshape(x, (-1, num_slots, self.d_model)),
            joined_caches(sentence["caches"], state["hypothesis"]),
            sentence["source"],
            position,
            sentence["padding_mask"],
        )
        sentence["caches"], own = separate_caches(caches)
        changes = {"position": position + 1, "sentence": sentence, "hypothesis": own}
        return states, {**state, **changes}

    def attend(self, inputs):
        """Computes the attention weights of each head of each layer.

        Args:
            inputs: Dictionary of `"source_ids"` `(B, S)` and `"target_ids"` `(B, T)`.

        Returns:
            Dictionary of attention weights, float32: `"encoder"` `(B, N, h, S, S)`,
            `"decoder"` `(B, N, h, T, T)` if its blocks have self-attention, and
            `"cross"` `(B, N, h, T, S)`.
        """
        return attention_weights(self, inputs)
