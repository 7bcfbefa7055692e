"""The whole model (section 3, figure 1) and its doors."""

import keras
from keras import ops

from tf_transformer.layers.decoder import Decoder
from tf_transformer.layers.embedding import TokenEmbedding
from tf_transformer.layers.encoder import Encoder
from tf_transformer.layers.masks import (
    decoder_self_attention_mask,
    keys_mask,
    padding_mask,
)
from tf_transformer.layers.positional_encoding import PositionalEncoding
from tf_transformer.layers.record import recorded
from tf_transformer.models.presets import preset
from tf_transformer.models.sequence_model import SequenceModel

BLOCK_ARGUMENTS = (
    "d_model",
    "num_heads",
    "d_ff",
    "dropout_rate",
    "attention_dropout_rate",
    "activation",
    "normalize_first",
    "normalization",
)


@keras.saving.register_keras_serializable(package="tf_transformer")
class Transformer(SequenceModel):
    """The encoder-decoder Transformer.

    Section 3 of [Attention Is All You Need](https://arxiv.org/abs/1706.03762).
    `model({"source_ids", "target_ids"})` is
    `model.decode(target_ids, model.encode(source_ids))`: the logits of teacher
    forcing. Search goes through `encode`, `start` and `step`. Masks are made here,
    from ids (0 is padding), and handed down as arguments. A subclass may name other
    stacks in `encoder_class` and `decoder_class` (see `scripts/changed_layer.py`).

    Paper symbols: N = `num_layers`, d_model = `d_model`, h = `num_heads`,
    d_ff = `d_ff`, P_drop = `dropout_rate`.
    Differs from the paper: options from `attention_dropout_rate` on, whose defaults
    are the paper's.

    Args:
        vocab_size: Integer. Size of the vocabulary, padding included.
        num_layers: Integer. Blocks in the encoder and in the decoder. Defaults to 6.
        d_model: Integer. Width. Defaults to 512.
        num_heads: Integer. Heads; must divide `d_model`. Defaults to 8.
        d_ff: Integer. Inner width of the feed-forward networks. Defaults to 2048.
        dropout_rate: Float in [0, 1). On embeddings and on every sub-layer's output.
            Defaults to 0.1.
        attention_dropout_rate: Float in [0, 1). On attention weights. Defaults to 0.
        activation: Activation of the feed-forward networks. Defaults to `"relu"`.
        normalize_first: `True` for pre-norm. Defaults to `False`.
        normalization: "layer", "rms", "group", "batch", "batch_with_padding" or
            "none" (see `layers/normalization.py`). Defaults to `"layer"`.
        learned_positions: `True` for trained positions. Defaults to `False`.
        max_length: Integer. Longest sentence in tokens, on either side. Defaults
            to 512.
        target_vocab_size: Optional integer. Size of the target's own vocabulary; by
            default one vocabulary and one embedding matrix serve both sides. The
            output projection is always the target embedding, transposed.

    Call arguments:
        inputs: Integer `"source_ids"` `(B, S)` and `"target_ids"` `(B, T)`.
        training: Whether dropout is active.

    Returns:
        float32 logits `(B, T, V)`.

    Example:

    >>> model = Transformer.from_preset("tiny", vocab_size=1500)
    >>> ids = ops.ones((2, 7), dtype="int32")
    >>> model({"source_ids": ids, "target_ids": ids[:, :5]}).shape
    TensorShape([2, 5, 1500])

    Shape letters: B batch, S source length, T target length, V target vocabulary,
    D d_model, K hypotheses of a sentence.
    """

    encoder_class, decoder_class = Encoder, Decoder

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
        normalization="layer",
        learned_positions=False,
        max_length=512,
        target_vocab_size=None,
        **kwargs,
    ):
        arguments = {
            "vocab_size": vocab_size,
            "num_layers": num_layers,
            "d_model": d_model,
            "num_heads": num_heads,
            "d_ff": d_ff,
            "dropout_rate": dropout_rate,
            "attention_dropout_rate": attention_dropout_rate,
            "activation": activation,
            "normalize_first": normalize_first,
            "normalization": normalization,
            "learned_positions": learned_positions,
            "max_length": max_length,
            "target_vocab_size": target_vocab_size,
        }
        super().__init__(arguments, **kwargs)
        self._make_embeddings()
        self._make_stacks()
        self.build()

    def _make_embeddings(self):
        dtype = self.dtype_policy
        self.source_embedding = self.target_embedding = TokenEmbedding(
            self.vocab_size, self.d_model, dtype=dtype, name="embedding"
        )
        if self.target_vocab_size is not None:
            self.target_embedding = TokenEmbedding(
                self.target_vocab_size,
                self.d_model,
                dtype=dtype,
                name="target_embedding",
            )
        self.source_positions, self.target_positions = (
            PositionalEncoding(
                self.max_length, self.learned_positions, dtype=dtype, name=name
            )
            for name in ("source_positions", "target_positions")
        )
        self.embedding_dropout = keras.layers.Dropout(
            self.dropout_rate, dtype=dtype, name="embedding_dropout"
        )

    def _make_stacks(self):
        arguments = {name: self._arguments[name] for name in BLOCK_ARGUMENTS}
        arguments |= {"num_layers": self.num_layers, "dtype": self.dtype_policy}
        self.encoder = self.encoder_class(name="encoder", **arguments)
        self.decoder = self.decoder_class(name="decoder", **arguments)

    @classmethod
    def from_preset(cls, name, vocab_size, **changes):
        """Makes a model of a named size.

        Args:
            name: "tiny", "small", "base" or "big" (see `models/presets.py`; the last
                two are rows of the paper's table 3).
            vocab_size: Integer. Size of the vocabulary.
            **changes: Other arguments of `Transformer`, which override the preset's.

        Returns:
            A `Transformer` with fresh weights.
        """
        return cls(vocab_size, **{**preset(name), **changes})

    def build(self, input_shape=None):
        if self.built:
            return
        states_shape = (None, None, self.d_model)
        self.source_embedding.build()
        if self.target_vocab_size is not None:
            self.target_embedding.build()
        self.source_positions.build(states_shape)
        self.target_positions.build(states_shape)
        self.encoder.build(states_shape)
        self.decoder.build(states_shape)
        self.built = True

    def encode(self, source_ids, training=None):
        """Reads the source sentences.

        Args:
            source_ids: Integer tensor `(B, S)`.
            training: Whether dropout is active.

        Returns:
            Dictionary of `"states"` `(B, S, D)` and `"padding_mask"` `(B, S)`.
        """
        source_padding_mask = padding_mask(source_ids)
        x = self.source_positions(self.source_embedding(source_ids))
        x = self.embedding_dropout(x, training=training)
        states = self.encoder(
            x,
            self_attention_mask=keys_mask(source_padding_mask),
            padding_mask=source_padding_mask,
            training=training,
        )
        return {"states": states, "padding_mask": source_padding_mask}

    def decode(self, target_ids, encoded, training=None):
        """Predicts, at every position of the target, the token that follows.

        Args:
            target_ids: Integer tensor `(B, T)` that begins with the start token.
            encoded: Result of `encode`.
            training: Whether dropout is active.

        Returns:
            float32 logits `(B, T, V)`.
        """
        x = self.target_positions(self.target_embedding(target_ids))
        x = self.embedding_dropout(x, training=training)
        target_padding_mask = padding_mask(target_ids)
        states = self.decoder(
            x,
            encoded["states"],
            self_attention_mask=decoder_self_attention_mask(target_padding_mask),
            cross_attention_mask=keys_mask(encoded["padding_mask"]),
            padding_mask=target_padding_mask,
            training=training,
        )
        return self.target_embedding(states, reverse=True)

    def start(self, encoded, max_length, beam_size=1):
        """The state from which `step` writes translations token by token.

        Args:
            encoded: Result of `encode` for B sentences.
            max_length: Integer or scalar tensor L: the most steps there will be.
            beam_size: Integer K, hypotheses of a sentence.

        Returns:
            A state: `"position"` (scalar), `"sentence"` (tensors with leading axis
            B, never reordered) and `"hypothesis"` (tensors with leading axis B * K,
            to be reordered by search).
        """
        num_sentences = ops.shape(encoded["states"])[0]
        source, caches = self.decoder.start(
            encoded["states"], num_sentences * beam_size, max_length
        )
        return {
            "position": ops.convert_to_tensor(0, dtype="int32"),
            "sentence": {"source": source, "padding_mask": encoded["padding_mask"]},
            "hypothesis": caches,
        }

    def step(self, token_ids, state):
        """Reads one more token of each hypothesis and predicts the next.

        Args:
            token_ids: Integer tensor `(B * K,)`: the tokens at the state's position.
            state: Result of `start`, or of the step before. After the L steps that
                `start` made room for there may be no more.

        Returns:
            float32 logits `(B * K, V)` and the next state.
        """
        sentence, position = state["sentence"], state["position"]
        num_sentences = ops.shape(sentence["padding_mask"])[0]
        x = self.target_embedding(token_ids[:, None])  # (B * K, 1, D)
        x = self.target_positions(x, position=position)
        states, caches = self.decoder.step(
            ops.reshape(x, (num_sentences, -1, self.d_model)),
            state["hypothesis"],
            sentence["source"],
            position,
            keys_mask(sentence["padding_mask"]),
        )
        logits = self.target_embedding(states, reverse=True)
        state = {"position": position + 1, "sentence": sentence, "hypothesis": caches}
        return ops.reshape(logits, (-1, logits.shape[-1])), state

    def attend(self, inputs):
        """Where each head of each layer looks, by teacher forcing.

        Args:
            inputs: Dictionary of `"source_ids"` `(B, S)` and `"target_ids"` `(B, T)`.

        Returns:
            Dictionary of attention weights, float32: `"encoder"` `(B, N, h, S, S)`,
            `"decoder"` `(B, N, h, T, T)` and `"cross"` `(B, N, h, T, S)`.
        """
        with recorded() as record:
            self(inputs, training=False)
        encoder, decoder = self.encoder.blocks, self.decoder.blocks
        layers = {
            "encoder": [block.self_attention for block in encoder],
            "decoder": [block.self_attention for block in decoder],
            "cross": [block.cross_attention for block in decoder],
        }
        return {
            kind: ops.stack(
                [ops.cast(record[layer]["weights"], "float32") for layer in of_kind],
                axis=1,
            )
            for kind, of_kind in layers.items()
        }
